#!/bin/bash
# kubernetes.sh: docs/guides/deploy/kubernetes.md followed on a real control plane, from an empty cluster to nothing: etcd, the API
# server, controllers and the scheduler of Kubernetes, with three nodes that kwok plays. Pods are scheduled, become ready and
# go as they would, but no process runs in them; the pod of `helm test` is taken to have succeeded. Then what an operator
# does: scales, rolls out, evicts, drains. Wants kubernetes-build.sh --controllers, install.sh, Debian's etcd-server, and a clone that is
# built. Then every combination of the chart's features, as far as they make a difference, by an API server of its own. About five
# minutes.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export RINGMASTER_CACHE=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}
tools=$RINGMASTER_CACHE/tools
place=$(mktemp -d)
daemons=()
fail() {
  say "failed: $*"
  kubectl get pods,pvc,pdb --all-namespaces -o wide >&2 || true
  kubectl get events --all-namespaces --field-selector type=Warning >&2 || true
  tail -n 5 "$place"/*.log >&2
  exit 1
}
ended() {
  for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do kill -KILL "${daemons[at]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  [ -n "${KEEP:-}" ] || rm -rf "$place"
}
trap ended EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# start NAME PROGRAM ARGUMENT…
start() {
  local name=$1
  shift
  "$@" >"$place/$name.log" 2>&1 &
  daemons+=($!)
}
mkdir "$place/bin"
ln -s "$tools"/helm-*/helm "$tools"/helm-*/kubectl "$place/bin"
ln -s "$root/apps/cli/bin/ringmaster.js" "$place/bin/ringmaster"
export PATH=$place/bin:$PATH KUBECONFIG=$place/kubeconfig HOME=$place
etcd=$(free_port) peer=$(free_port) port=$(free_port)
server=https://127.0.0.1:$port
start etcd etcd --data-dir="$place/etcd" --unsafe-no-fsync --listen-client-urls="http://127.0.0.1:$etcd" \
  --advertise-client-urls="http://127.0.0.1:$etcd" --listen-peer-urls="http://127.0.0.1:$peer"
openssl genrsa -out "$place/accounts.key" 2048 2>/dev/null
echo 'test,admin,admin,system:masters' >"$place/tokens.csv"
# Lists that are watched want an etcd that is newer than Debian's.
start apiserver "$tools"/kube-apiserver-*/kube-apiserver --etcd-servers="http://127.0.0.1:$etcd" \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$place/accounts.key" \
  --service-account-signing-key-file="$place/accounts.key" --secure-port="$port" --bind-address=127.0.0.1 \
  --cert-dir="$place/certificates" --token-auth-file="$place/tokens.csv" --authorization-mode=RBAC --feature-gates=WatchList=false \
  --service-cluster-ip-range=10.0.0.0/24
kubectl config set-cluster test --server="$server" --insecure-skip-tls-verify=true >&2
kubectl config set-credentials admin --token=test >&2
kubectl config set-context test --cluster=test --user=admin >&2
kubectl config use-context test >&2
until_true 120 kubectl get --raw /readyz
start controllers "$tools"/kube-controllers-*/kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false \
  --service-account-private-key-file="$place/accounts.key" --use-service-account-credentials=true --secure-port="$(free_port)" --bind-address=127.0.0.1
start scheduler "$tools"/kube-controllers-*/kube-scheduler --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port="$(free_port)" --bind-address=127.0.0.1
stages=("$tools"/kube-controllers-*/stages)
cp -r "${stages[0]}" "$place/stages"
# What kwok has succeed is a job's pod; here that of `helm test` is.
sed -i 's/\.metadata\.ownerReferences.*kind/.metadata.annotations["helm.sh\/hook"]/; s/Job/test/' "$place/stages/pod-complete.yaml"
awk 'FNR == 1 && NR > 1 { print "---" } 1' "$place"/stages/*.yaml >"$place/kwok.yaml"
start kwok "$tools"/kube-controllers-*/kwok --kubeconfig="$KUBECONFIG" --config="$place/kwok.yaml" --manage-all-nodes --node-lease-duration-seconds=40
for node in n1 n2 n3; do
  printf '{"apiVersion":"v1","kind":"Node","metadata":{"name":"%s","labels":{"kubernetes.io/hostname":"%s"}},"status":{"capacity":{"cpu":"8","memory":"32Gi","pods":"110"},"allocatable":{"cpu":"8","memory":"32Gi","pods":"110"}}}' $node $node |
    kubectl create -f - >&2
done
kubectl wait --for=condition=Ready node --all --timeout=60s >&2
kubectl create -f - >&2 <<'VOLUME'
apiVersion: v1
kind: PersistentVolume
metadata: { name: disk }
spec:
  capacity: { storage: 20Gi }
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: { path: /nowhere }
VOLUME
say "a control plane and three nodes: $(kubectl version 2>/dev/null | tail -n 1)"

cd "$root"
follow() { block kubernetes "$1" | bash -euxo pipefail >&2 || fail "block $1 of the guide"; }
lab() { kubectl --namespace lab "$@"; }
workers=deployment/train-ringmaster-workers component=app.kubernetes.io/component
follow 1
present() { lab rollout status "$1" --timeout=60s >&2 || fail "$1 is not there"; }
coordinator=statefulset/train-ringmaster-coordinator
present $coordinator
present $workers
[ "$(lab get pods -l $component=worker -o jsonpath='{.items[*].spec.nodeName}' | tr ' ' '\n' | sort -u | wc -l)" = 2 ] || fail 'two workers are on one node'
say 'installed: the coordinator and two workers on two nodes'
follow 2
present $workers
say "helm test's pod was taken and eight workers are there"

lab rollout restart $workers >&2
fewest=8
until lab rollout status $workers --watch=false | grep -q 'successfully rolled out'; do
  ready=$(lab get $workers -o jsonpath='{.status.availableReplicas}')
  [ "${ready:-0}" -ge "$fewest" ] || fewest=${ready:-0}
done
[ "$fewest" -ge 7 ] || fail "a rollout left $fewest of eight workers"
say 'workers were rolled out one at a time'

kubectl cordon n1 n2 n3 >&2
evict() {
  printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"lab"}}' "$1" |
    lab create --raw "/api/v1/namespaces/lab/pods/$1/eviction" -f - 2>&1
}
mapfile -t pods < <(lab get pods -l $component=worker -o name | sed 's,pod/,,')
evict "${pods[0]}" >&2
until_true 30 sh -c '[ "$(kubectl --namespace lab get pods --field-selector status.phase=Pending -o name | wc -l)" = 1 ]'
refused=$(evict "${pods[1]}" || true)
case $refused in
*'disruption budget'*) say "a second worker is not evicted before the first one has its place: $refused" ;;
*) fail "a second worker was evicted at once: $refused" ;;
esac
kubectl uncordon n1 n2 n3 >&2
present $workers

node=$(lab get pod train-ringmaster-coordinator-0 -o jsonpath='{.spec.nodeName}')
kubectl drain "$node" --delete-emptydir-data --ignore-daemonsets --timeout=120s >&2
present $coordinator
present $workers
moved=$(lab get pod train-ringmaster-coordinator-0 -o jsonpath='{.spec.nodeName}')
[ "$moved" != "$node" ] || fail 'the coordinator was not moved'
[ -z "$(lab get pods --field-selector "spec.nodeName=$node" -o name)" ] || fail 'the drained node still has pods'
kubectl uncordon "$node" >&2
say "$node was drained: the coordinator is on $moved, with its volume"
warnings=$(lab get events --field-selector type=Warning -o jsonpath='{range .items[*]}{.reason}: {.message}{"\n"}{end}' | grep -v '^FailedScheduling' || true)
[ -z "$warnings" ] || fail "warnings: $warnings"

follow 3
until_true 60 sh -c '! kubectl get namespace lab'
left=$(kubectl get clusterroles,clusterrolebindings,pv,crd -o name | grep -i ringmaster || true)
[ -z "$left" ] || fail "there is still $left"
say 'nothing is left'
node "$root/test/deploy/dist/kubernetes/combinations.process.js" >&2
