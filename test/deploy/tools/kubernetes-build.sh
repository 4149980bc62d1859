#!/bin/sh
# kubernetes-build.sh [--controllers]: what of Kubernetes is built from its Go modules into the cache, with go 1.24 or later.
# A real API server, five minutes on two processors, and the definitions of the resources of others that the chart has: with
# Debian's etcd-server, the tests of the chart then ask it. With --controllers, its controller manager, its scheduler and kwok,
# which plays the kubelets: three minutes more, for kubernetes.sh.
set -eu
version=1.34.4 operator=v0.85.0 keda=v2.21.0 kwok=v0.7.0
tools=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/tools
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
path() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
# built PROGRAM…: programs of Kubernetes, in the directory `built`.
built() {
  source=$(path "k8s.io/kubernetes@v$version")
  {
    printf 'module tools\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\n' "$version"
    # Its parts are modules of their own, of the same version.
    sed -n "s,^[[:space:]]*\(replace \)\?\(k8s.io/[a-z-]*\) => ./staging.*,replace \2 => \2 v0.${version#*.},p" "$source/go.mod"
  } >go.mod
  printf '//go:build tools\n\npackage tools\n\n' >tools.go
  for program in "$@"; do printf 'import _ "k8s.io/kubernetes/cmd/%s"\n' "$program" >>tools.go; done
  go mod tidy
  mkdir -p built
  for program in "$@"; do
    GOFLAGS=-mod=mod go build -trimpath -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version" -o "built/$program" "k8s.io/kubernetes/cmd/$program"
  done
}
# keep DIRECTORY: moves what is built there, whole.
keep() {
  chmod -R u+w built
  mkdir -p "$tools"
  rm -rf "$1"
  mv built "$1"
}

target=$tools/kube-apiserver-$version
if [ "$("$target/kube-apiserver" --version 2>/dev/null)" != "Kubernetes v$version" ]; then
  built kube-apiserver
  mkdir built/definitions
  cp "$(path "github.com/prometheus-operator/prometheus-operator@$operator")"/example/prometheus-operator-crd/*_servicemonitors.yaml \
    "$(path "github.com/prometheus-operator/prometheus-operator@$operator")"/example/prometheus-operator-crd/*_prometheusrules.yaml \
    "$(path "github.com/kedacore/keda/v2@$keda")"/config/crd/bases/keda.sh_scaledobjects.yaml built/definitions/
  keep "$target"
fi
target=$tools/kube-controllers-$version
if [ "${1:-}" = --controllers ] && [ ! -x "$target/kwok" ]; then
  built kube-controller-manager kube-scheduler
  GOBIN=$place/built go install -trimpath -ldflags='-s -w' "sigs.k8s.io/kwok/cmd/kwok@$kwok"
  mkdir built/stages
  stages=$(path "sigs.k8s.io/kwok@$kwok")/kustomize/stage
  cp "$stages"/node/fast/node-*.yaml "$stages"/node/heartbeat-with-lease/node-*.yaml "$stages"/pod/fast/pod-*.yaml built/stages/
  keep "$target"
fi
