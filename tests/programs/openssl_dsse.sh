#!/bin/sh
# Verify a DSSE envelope with OpenSSL alone: openssl_dsse.sh ENVELOPE PUBLIC_KEY FOLDER
# Writes the statement that was signed to FOLDER/statement.json.
set -eu
envelope=$1 key=$2 folder=$3

field() { # of JSON without blanks, as the envelope is written
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$envelope"
}

type=$(field payloadType)
field payload | openssl base64 -d -A > "$folder/statement.json"
field sig | openssl base64 -d -A > "$folder/signature"
length=$(wc -c < "$folder/statement.json")
printf 'DSSEv1 %d %s %d ' ${#type} "$type" "$length" |
  cat - "$folder/statement.json" > "$folder/signed"
openssl dgst -sha256 -verify "$key" -signature "$folder/signature" "$folder/signed"
