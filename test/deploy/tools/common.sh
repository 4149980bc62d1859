# shellcheck shell=bash
# What the scripts beside this one share; they run with `set -euo pipefail`.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }
# until_true SECONDS COMMAND…: waits for the command to succeed; calls `fail` where it has not by then.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "never happened: $*"
    sleep 0.3
  done
}
# block PAGE NUMBER: the commands of a block of a page of docs/guides/deploy, from 1.
block() {
  awk -v wanted="$2" '/^```sh$/ { at++; inside = at == wanted; next } /^```$/ { inside = 0 } inside' \
    "$root/docs/guides/deploy/$1.md" | grep . || fail "$1.md has no block $2"
}
# field EXPRESSION: what a function of JavaScript makes of the JSON on stdin.
field() { node -e 'console.log(eval("(" + process.argv[1] + ")")(JSON.parse(require("fs").readFileSync(0))))' "$1"; }
