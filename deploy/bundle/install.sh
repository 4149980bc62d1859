#!/bin/sh
# ./install [DIRECTORY]: checks the pieces beside this file and unpacks them; needs sh, sha256sum, tar and gzip, and no
# network. The default is ~/.local/share/ringmaster. Nothing is left half-made: what was there before is replaced whole.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$HOME/.local/share/ringmaster}
stop() {
  printf 'install: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}
for tool in sha256sum tar gzip; do
  command -v "$tool" >/dev/null || stop "$tool is missing" "Install it; most Linux systems have it."
done
[ "$(uname -s)-$(uname -m)" = "@PLATFORM@" ] ||
  stop "this bundle is for @PLATFORM@, not $(uname -s)-$(uname -m)" "Make one on a machine like this one."
(cd "$here" && sha256sum --quiet -c SHA256SUMS) ||
  stop "a piece is damaged or missing" "Copy the pieces named above again."
mkdir -p "$(dirname "$target")"
partial=$target.partial.$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$partial"
cat "$here"/piece-* | gzip -d | tar -x -f - -C "$partial"
link=$partial/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8
mkdir -p "$link"
ln -s ../../../../../runtime/tensorflow/tfjs_binding.node "$link/tfjs_binding.node"
if [ -e "$target" ]; then
  [ -e "$target/bin/ringmaster" ] || stop "$target is there and holds something else" "Name another directory."
  mv "$target" "$partial.before"
fi
mv "$partial" "$target"
rm -rf "$partial.before"
printf 'Ringmaster is in %s. Begin with:\n  %s/bin/ringmaster doctor\n' "$target" "$target"
