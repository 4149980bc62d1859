#!/bin/sh
# kube-apiserver.sh: a real API server of Kubernetes, built into the cache from its Go module (five minutes on two
# processors, go 1.24 or later), and the definitions of the resources of others that the chart has. With Debian's
# etcd-server, the tests of the chart then ask it.
set -eu
version=1.34.4 operator=v0.85.0 keda=v2.21.0
tools=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/tools
target=$tools/kube-apiserver-$version
[ ! -x "$target/kube-apiserver" ] || exit 0
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
export GOFLAGS=-mod=mod
path() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
source=$(path "k8s.io/kubernetes@v$version")
{
  printf 'module tools\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\n' "$version"
  # Its parts are modules of their own, of the same version.
  sed -n "s,^[[:space:]]*\(replace \)\?\(k8s.io/[a-z-]*\) => ./staging.*,replace \2 => \2 v0.${version#*.},p" "$source/go.mod"
} >go.mod
printf '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n' >tools.go
go mod tidy
mkdir -p built/definitions
go build -trimpath -ldflags='-s -w' -o built/kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
cp "$(path "github.com/prometheus-operator/prometheus-operator@$operator")"/example/prometheus-operator-crd/*_servicemonitors.yaml \
  "$(path "github.com/prometheus-operator/prometheus-operator@$operator")"/example/prometheus-operator-crd/*_prometheusrules.yaml \
  "$(path "github.com/kedacore/keda/v2@$keda")"/config/crd/bases/keda.sh_scaledobjects.yaml built/definitions/
chmod -R u+w built
mkdir -p "$tools"
mv built "$target"
