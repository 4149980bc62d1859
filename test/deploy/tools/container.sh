#!/bin/bash
# container.sh: docs/guides/deploy/containers.md followed with podman, from an empty storage to a finished job and back to nothing,
# as root: the image of all stages of the Containerfile, on a base pinned by its digest; twenty steps in it as its user, on a
# read-only root, whose hash is the host's; and the compose file, with a coordinator that is restarted under a job. Where no
# registry is to be had, a Debian of mmdebstrap's stands for Debian's image, and one with Debian's prometheus for Prometheus'. Grafana
# is in no package of Debian: its image is one that tells which of its files it was given. Wants Debian's podman, netavark,
# aardvark-dns, crun and mmdebstrap. About twelve minutes; DEBIAN names a tar of a Debian that has been made before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
fail() {
  say "failed: $*"
  exit 1
}
if [ "${1:-}" = '' ]; then
  place=$(mktemp -d /var/tmp/ringmaster-container-XXXXXX)
  trap '[ -n "${KEEP:-}" ] || rm -rf "$place"' EXIT
  mkdir "$place/base"
  if [ -n "${DEBIAN:-}" ]; then cp "$DEBIAN" "$place/base/debian.tar"; else mmdebstrap --variant=minbase bookworm "$place/base/debian.tar" >&2; fi
  python3 -m venv "$place/compose"
  "$place/compose/bin/pip" install --quiet podman-compose==1.6.0
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$place/storage" "$place/run" >"$place/storage.conf"
  # No cgroups: not every machine lets a container have some.
  printf '[containers]\ncgroups = "disabled"\n[engine]\nruntime = "crun"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[engine.runtimes]\ncrun = ["%s"]\n[network]\nnetwork_backend = "netavark"\n' \
    "$root/test/deploy/tools/runtime.sh" >"$place/containers.conf"
  export CONTAINERS_STORAGE_CONF=$place/storage.conf CONTAINERS_CONF=$place/containers.conf BUILDAH_ISOLATION=chroot
  unshare --mount --pid --fork --kill-child --mount-proc "$0" build "$place"
  # Bridges, addresses and published ports are those of a network namespace that ends with this.
  unshare --mount --net --pid --fork --kill-child --mount-proc "$0" try "$place"
  exit
fi

place=$2
# Of cgroups of both versions at once, crun takes none.
mount -t tmpfs tmpfs /sys/fs/cgroup
cd "$root"
case $1 in
build)
  # The base trusts whom this machine trusts, for a registry of packages behind a proxy.
  cp /etc/ssl/certs/ca-certificates.crt "$place/base/trusted.pem"
  printf 'FROM scratch\nADD debian.tar /\nCOPY trusted.pem /etc/ssl/trusted.pem\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/trusted.pem PIP_CERT=/etc/ssl/trusted.pem\n' |
    podman build --quiet -t docker.io/library/debian:bookworm-slim -f - "$place/base" >&2
  base=$(podman image inspect docker.io/library/debian:bookworm-slim | field '([{ Digest }]) => "docker.io/library/debian@" + Digest')
  block containers 1 | sed "s,^podman build ,&--build-arg BASE=$base ," | bash -euxo pipefail >&2
  printf 'FROM %s\nRUN apt-get update && apt-get install -y --no-install-recommends prometheus\nUSER nobody\nVOLUME /prometheus\nENTRYPOINT ["prometheus"]\n' "$base" |
    podman build --quiet -t localhost/prometheus - >&2
  printf 'FROM %s\nUSER 472\nCMD ["sh", "-c", "find /etc/grafana/provisioning /var/lib/grafana/dashboards -type f; exec sleep infinity"]\nSTOPSIGNAL SIGKILL\n' "$base" |
    podman build --quiet -t localhost/grafana - >&2
  podman images >&2
  ;;
try)
  ip link set lo up
  # Names and networks that podman keeps there are of this run alone: those of one that was killed would be answered with.
  mount -t tmpfs tmpfs /run
  here=$(deploy/launch/bin/check)
  # shellcheck disable=SC2016
  there=$(podman run --rm --network=none --read-only --cap-drop=all --security-opt=no-new-privileges --tmpfs=/tmp ringmaster sh -euc '
    [ "$(id -u)" = 10001 ]
    ! touch /opt/ringmaster/x 2>/dev/null
    grep -q SPDXID /opt/ringmaster/sbom.spdx.json
    exec /opt/ringmaster/deploy/launch/bin/check')
  say "on the host:  $here"
  say "in the image: $there"
  [ "$here" = "$there" ] || fail 'the hashes differ'

  export PATH=$place/compose/bin:$PATH PROMETHEUS_IMAGE=localhost/prometheus GRAFANA_IMAGE=localhost/grafana
  compose() { podman-compose -f deploy/compose/compose.yaml "$@" 2>>"$place/compose.log"; }
  block containers 2 | bash -euxo pipefail >&2
  podman healthcheck run ringmaster_coordinator_1 || fail 'the health check of the coordinator fails'
  # shellcheck disable=SC2016
  ringmaster() { compose exec -T coordinator sh -c '/opt/ringmaster/bin/ringmaster "$@" --home /var/lib/ringmaster' ringmaster "$@"; }
  workers() { ringmaster status --json | field '({ workers }) => workers.filter(({ state }) => state === "alive").length'; }
  job=$(ringmaster submit /opt/ringmaster/deploy/launch/check/job.yaml --set "steps=${STEPS:-1500}")
  step() { ringmaster job "$job" --json | field '({ step }) => step'; }
  past() { [ "$(step)" -gt "$1" ]; }
  until_true 60 past 20
  say "a job trains; $(step) steps"
  compose restart coordinator >&2
  until_true 60 step
  until_true 120 past "$(($(step) + 20))"
  say "the coordinator was restarted and the cluster goes on; $(step) steps"
  compose stop worker >&2
  none() { [ "$(workers)" = 0 ]; }
  until_true 30 none
  [ "$(ringmaster incidents --json)" = '[]' ] || fail "$(ringmaster incidents)"
  [ "$(ringmaster job "$job" --json | field '({ state }) => state')" != succeeded ] || fail 'the job was over too early: set STEPS'
  compose start worker >&2
  until_true 30 step
  ringmaster wait "$job" --timeout 10m >&2
  hash=$(ringmaster job "$job" --json | field '({ result }) => result.stateHash')
  again=$(ringmaster submit /opt/ringmaster/deploy/launch/check/job.yaml --set "steps=${STEPS:-1500}" --wait)
  undisturbed=$(ringmaster job "$again" --json | field '({ result }) => result.stateHash')
  say "with all of that: $hash"
  say "undisturbed:      $undisturbed"
  [ "$hash" = "$undisturbed" ] || fail 'the hashes differ'
  query() { node -e 'fetch("http://127.0.0.1:9090/api/v1/query?query=" + encodeURIComponent(process.argv[1])).then((answer) => answer.json()).then(({ data }) => process.exit(data.result.length > 0 ? 0 : 1))' "$1"; }
  until_true 60 query 'ringmaster_jobs{state="succeeded"} > 0'
  compose logs grafana 2>&1 | grep -q dashboards/run.json || fail 'Grafana was not given its dashboard'
  say 'Prometheus has scraped the coordinator, and what Grafana reads is there'
  block containers 3 | bash -euxo pipefail >&2
  left=$(podman ps --all --quiet; podman volume ls --quiet; podman network ls --format '{{.Name}}' | grep -v '^podman$' || true)
  [ -z "$left" ] || fail "there is still $left"
  ;;
esac
