#!/usr/bin/env bash
# Make `.venv` with Assent and what it needs: `set-up.sh run` for the demo,
# `set-up.sh dev` for tests and checks too. A second call is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

case "${1:-}" in
  run) extras='run,train' stamps='run dev' ;;
  dev) extras='run,train,spark,server,sign,dev' stamps='dev' ;;
  *) fail "set-up wants \`run\` or \`dev\`, found \`${1:-}\`" 'scripts/set-up.sh run' ;;
esac

# The folder is part of it: an environment does not survive being moved.
state() {
  pwd
  cat pyproject.toml constraints.txt scripts/set-up.sh
}

for stamp in $stamps; do
  if [ -x .venv/bin/python ] && state | cmp -s - ".venv/set-up-$stamp"; then
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

install() { .venv/bin/python -m pip install --disable-pip-version-check -qq "$@"; }

echo "set-up: .venv with $("$python" --version), extras $extras" >&2
"$python" -m venv .venv
# torch first and by itself: where a small CPU build of this release is at hand it is
# taken, and nothing that is installed later can ask for another one.
install -c constraints.txt 'torch==2.13.0'
install -c constraints.txt -e ".[$extras]"

# Crash before this line: there is no stamp, and the next call does it all again.
state > ".venv/set-up-$1.draft"
mv ".venv/set-up-$1.draft" ".venv/set-up-$1"
