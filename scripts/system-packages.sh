#!/usr/bin/env bash
# Install the Debian packages that some tests need, or those named as arguments. Where
# that cannot be done it says what is missing and goes on: such tests are left out.
set -euo pipefail

# package | command that shows it is there | what is left out without it
NEEDED='
chromium | chromium | the tests marked `browser` (the offline page)
postgresql | pg_createcluster | the tests marked `postgres` (the ledger on a server)
golang-go | go | the tests marked `go` (the verifier of logs that Go itself uses)
golang-golang-x-mod-dev | - | the tests marked `go`
default-jre-headless | java | the tests marked `spark` (the cluster)
'

is_there() { # package, command
  command -v "$2" > /dev/null 2>&1 ||
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
if [ "$#" -gt 0 ]; then
  missing=("$@")
else
  while IFS='|' read -r package shown _; do
    package="${package// /}" shown="${shown// /}"
    if [ -n "$package" ] && ! is_there "$package" "$shown"; then
      missing+=("$package")
    fi
  done <<< "$NEEDED"
fi
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi

install_all() {
  command -v apt-get > /dev/null || return 1
  [ "${#as_root[@]}" -eq 0 ] || "${as_root[@]}" true || return 1
  # No terminal: nothing may ask, and a lock or a silent mirror may not wait for ever.
  local get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30)
  "${get[@]}" update && "${get[@]}" install -y --no-install-recommends "${missing[@]}"
}

echo "system packages: installing ${missing[*]}" >&2
if install_all > /dev/null 2>&1 < /dev/null; then
  exit 0
fi
for package in "${missing[@]}"; do
  lost="$(sed -n "s/^$package |[^|]*| //p" <<< "$NEEDED")"
  echo "system packages: $package is missing and could not be installed" >&2
  [ -z "$lost" ] || echo "system packages: left out: $lost" >&2
done
