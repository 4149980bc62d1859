#!/bin/sh
# seaweedfs.sh: builds SeaweedFS, a server of S3, from its Go modules into the cache, with go 1.24 or later: some minutes. The
# tests of buckets then ask it.
set -eu
version=v0.0.0-20261109003541-7506e5f91cd6
target=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/tools/seaweedfs-$version
[ -x "$target/weed" ] && exit 0
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
source=$(go mod download -json "github.com/seaweedfs/seaweedfs@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
{
  printf 'module tools\n\ngo 1.24.0\n\nrequire github.com/seaweedfs/seaweedfs %s\n\n' "$version"
  # What it replaces in its own module is replaced only there.
  sed -n '/^replace /p' "$source/go.mod"
} >go.mod
printf '//go:build tools\n\npackage tools\n\nimport _ "github.com/seaweedfs/seaweedfs/weed"\n' >tools.go
go mod tidy
mkdir -p "$target"
GOFLAGS=-mod=mod go build -trimpath -ldflags='-s -w' -o "$target/weed.whole" github.com/seaweedfs/seaweedfs/weed
mv "$target/weed.whole" "$target/weed"
