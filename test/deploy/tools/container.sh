#!/bin/bash
# container.sh: the last two stages of deploy/container/Containerfile on a Debian root that mmdebstrap makes, built by
# buildah without a registry and without a daemon, as root; then twenty steps in the image as its user, on a read-only
# root, whose hash is the host's. Wants Debian's buildah and mmdebstrap, and a clone that is built. About five minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
place=$(mktemp -d)
storage=(--storage-driver vfs --root "$place/storage" --runroot "$place/run")
trap 'rm -rf "$place"' EXIT
say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }

mkdir -p "$place/build/bundle"
base=${DEBIAN:-$place/debian.tar}
[ -e "$base" ] || mmdebstrap --variant=minbase bookworm "$base" >&2
if [ -n "${BUNDLE:-}" ]; then
  cp -r "$BUNDLE/." "$place/build/bundle"
else
  node "$root/deploy/bundle/dist/main.js" "$place/build/bundle"
fi
(cd "$root" && npm sbom --sbom-format=spdx --omit=dev --package-lock-only) >"$place/build/bundle/sbom.spdx.json"
say 'a base and a bundle are made'

printf 'FROM scratch\nADD debian.tar /\n' >"$place/Base"
mkdir "$place/base"
ln "$base" "$place/base/debian.tar" 2>/dev/null || cp "$base" "$place/base/debian.tar"
buildah "${storage[@]}" build --isolation chroot -t localhost/debian -f "$place/Base" "$place/base" >&2
# The stage `build` of the Containerfile is a directory here: what it would have built.
buildah "${storage[@]}" build --isolation chroot --build-context "build=$place/build" \
  --build-arg BASE=localhost/debian -t localhost/ringmaster -f "$root/deploy/container/Containerfile" "$place/base" >&2
say 'the image is built'
buildah "${storage[@]}" images localhost/ringmaster >&2
container=$(buildah "${storage[@]}" from localhost/ringmaster)
image=$(buildah "${storage[@]}" mount "$container")
grep -q SPDXID "$image/opt/ringmaster/sbom.spdx.json"

# A container by hand, since no runtime works everywhere: the image's root read-only, memory for what it may write.
cat >"$place/inside" <<'INSIDE'
set -eu
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
for writable in var/lib/ringmaster tmp; do mount -t tmpfs -o mode=0700,uid=10001,gid=10001 tmpfs "$1/$writable"; done
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
for device in null zero random urandom; do : >"$1/dev/$device" && mount --bind "/dev/$device" "$1/dev/$device"; done
mkdir -m 1777 "$1/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
exec env -i HOME=/tmp PATH=/opt/ringmaster/bin:/usr/sbin:/usr/bin:/bin \
  setpriv --no-new-privs chroot --userspec=10001:10001 "$1" sh -c '
    [ "$(id -u)" = 10001 ] || exit 8
    if touch /opt/ringmaster/x 2>/dev/null; then exit 9; fi
    exec /opt/ringmaster/deploy/launch/bin/check'
INSIDE
there=$(unshare --mount --pid --fork --kill-child sh "$place/inside" "$image")
say "in the image: $there"
here=$(HOME=$place "$root/deploy/launch/bin/check")
say "on the host:  $here"
[ -n "$there" ] && [ "$here" = "$there" ]
