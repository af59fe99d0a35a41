#!/usr/bin/env bash
# Make `.venv` with Assent and what it needs: `set-up.sh run` for the demo,
# `set-up.sh dev` for tests and checks too; `set-up.sh peers` makes `.venv-peers` with
# what `make bench-redact` measures beside it. A second call is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

venv=.venv needs='pyproject.toml constraints.txt'
case "${1:-}" in
  run) extras='run,train' stamps='run dev' ;;
  dev) extras='run,train,ray,privacy,base,web,spark,server,sign,dev' stamps='dev' ;;
  peers) venv=.venv-peers needs='benchmarks/peers.txt' extras='none' stamps='peers' ;;
  *) fail "set-up wants \`run\`, \`dev\` or \`peers\`, found \`${1:-}\`" \
    'scripts/set-up.sh run' ;;
esac

# The folder is part of it: an environment does not survive being moved.
state() {
  pwd
  # shellcheck disable=SC2086 # several files
  cat $needs scripts/set-up.sh
}

for stamp in $stamps; do
  if [ -x "$venv/bin/python" ] && state | cmp -s - "$venv/set-up-$stamp"; then
    exit 0
  fi
done

# A name on the PATH can be there and not run, so each candidate is asked.
python=''
for name in python3.11 python3; do
  if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python="$name"
    break
  fi
done
[ -n "$python" ] || fail 'there is no Python 3.11 or newer on the PATH' \
  'install Python 3.11, then run the same command again'

can_make_environments() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
can_make_environments || bash scripts/system-packages.sh python3-venv
can_make_environments || fail "\`$python\` has no modules \`venv\` and \`ensurepip\`" \
  'install them, on Debian with: apt-get install python3-venv'

install() { "$venv/bin/python" -m pip install --disable-pip-version-check -qq "$@"; }

echo "set-up: $venv with $("$python" --version), extras $extras" >&2
"$python" -m venv "$venv"
if [ "$venv" = .venv ]; then
  # torch first and by itself: where a small CPU build of this release is at hand it is
  # taken, and nothing that is installed later can ask for another one.
  install -c constraints.txt 'torch==2.13.0'
  install -c constraints.txt -e ".[$extras]"
else
  # Each by itself: one that does not install is named, and the others are measured.
  installed=0
  for peer in presidio-analyzer scrubadub datafog dolma; do
    if install -c benchmarks/peers.txt "$peer" 2> "$venv/$peer.log"; then
      installed=$((installed + 1))
    else
      printf 'set-up: %s is left out, it does not install: %s\n' \
        "$peer" "$(tail -n 1 "$venv/$peer.log")" >&2
    fi
  done
  [ "$installed" -gt 0 ] || fail 'no peer could be installed' \
    "see $venv/*.log; is there a network?"
fi

# Crash before this line: there is no stamp, and the next call does it all again.
state > "$venv/set-up-$1.draft"
mv "$venv/set-up-$1.draft" "$venv/set-up-$1"
