#!/bin/bash
# systemd.sh: docs/guides/deploy/systemd.md followed on two machines, each a Debian with its own systemd as process 1, from an
# empty machine to a finished job and back to nothing, as root. Then, while a job trains: the coordinator is restarted and killed,
# the worker leaves by its file, is stopped and restarted; the hash is that of a job that nothing happened to, and no
# incident is told. Wants mmdebstrap, and a clone that is built. About six minutes; BUNDLE and MACHINE name a bundle and a
# directory with a Debian that have been made before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [ "${1:-}" != inside ]; then
  place=$(mktemp -d /tmp/ringmaster-systemd-XXXXXX)
  trap '[ -n "${KEEP:-}" ] || rm -rf "$place"' EXIT
  debian=${MACHINE:-$place/debian}
  [ -e "$debian" ] || mmdebstrap --variant=minbase --include=systemd-sysv,dbus,sudo,libgomp1,libstdc++6 bookworm "$debian" >&2
  bundle=${BUNDLE:-$place/bundle}
  [ -e "$bundle" ] || node "$root/deploy/bundle/dist/main.js" "$bundle"
  mkdir -p "$place/layer/opt"
  "$bundle/install" "$place/layer/opt/ringmaster" >/dev/null
  # What is tried is what this clone has; the bundle may be older.
  cp -r "$root/deploy/systemd" "$root/deploy/launch" "$place/layer/opt/ringmaster/deploy"
  say 'a Debian and an installation are made'
  unshare --mount --net --pid --fork --kill-child --mount-proc "$0" inside "$place" "$debian"
  exit
fi

place=$2 debian=$3
fail() {
  say "failed: $*"
  for machine in "${!init[@]}"; do on "$machine" journalctl --no-pager --lines=60 >&2 || true; done
  exit 1
}
declare -A init
ended() {
  for machine in "${!init[@]}"; do kill -KILL "${init[$machine]}" || true; done
  wait
  echo $$ >"$place/cgroup/cgroup.procs"
  until find "$place/cgroup/${place##*/}" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done
  umount "$place/cgroup" "$place"/*/root
}
trap ended EXIT
mkdir "$place/cgroup"
mount -t cgroup2 cgroup2 "$place/cgroup"
mkdir "$place/cgroup/${place##*/}"
ip link add bridge type bridge
ip link set bridge up
# boot NAME ADDRESS: a machine with a systemd and an address of its own.
boot() {
  local name=$1 groups=$place/cgroup/${place##*/}/$1 starter
  mkdir -p "$place/$name"/{upper,work,root} "$groups"
  mount -t overlay overlay -o "lowerdir=$place/layer:$debian,upperdir=$place/$name/upper,workdir=$place/$name/work" "$place/$name/root"
  echo "$name" >"$place/$name/root/etc/hostname"
  echo "127.0.0.1 localhost $name" >"$place/$name/root/etc/hosts"
  (
    echo $BASHPID >"$groups/cgroup.procs"
    exec unshare --mount --pid --fork --uts --ipc --net --cgroup "$root/test/deploy/tools/machine.sh" "$place/$name/root"
  ) >"$place/$name/console" 2>&1 &
  starter=$!
  until_true 10 pgrep --parent $starter
  init[$name]=$(pgrep --parent $starter)
  ip link add "to-$name" type veth peer name network netns "${init[$name]}"
  ip link set "to-$name" master bridge up
  nsenter --target "${init[$name]}" --net sh -c "ip address add $2/24 dev network && ip link set network up"
  until_true 60 on "$name" systemctl is-system-running
  say "$name runs $(on "$name" systemctl --version | head -n 1)"
}
# on MACHINE COMMAND…
on() { nsenter --target "${init[$1]}" --all env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin "${@:2}"; }
# follow MACHINE BLOCK: the commands of a block of the guide, as someone at that machine would type them.
follow() { block systemd "$2" | on "$1" bash -euxo pipefail -c 'cd && . /dev/stdin' || fail "block $2 of the guide"; }

boot steady 10.0.0.5
boot spot 10.0.0.6
follow steady 1
ringmaster() { on steady /opt/ringmaster/bin/ringmaster "$@" --home /var/lib/ringmaster; }
workers() { ringmaster status --json | field '({ workers }) => workers.filter(({ state }) => !["left", "lost", "leaving"].includes(state)).length'; }
has() { [ "$(workers)" = "$1" ]; }
has 0 || fail 'the coordinator was started and does not serve'
install -D -m 0600 "$place/steady/root/var/lib/private/ringmaster/join" "$place/spot/root/etc/ringmaster/lab/join"
follow spot 2
has 1 || fail 'a worker was started and is not there'
say 'both units were ready when systemctl returned'
follow steady 3

job() { ringmaster submit /opt/ringmaster/deploy/launch/check/job.yaml --set "steps=${STEPS:-3000}" "$@"; }
undisturbed=$(ringmaster job "$(job --wait)" --json | field '({ result }) => result.stateHash')
job=$(job)
step() { ringmaster job "$job" --json | field '({ step }) => step'; }
past() { [ "$(step)" -gt "$1" ]; }
advances() { until_true 90 past "$(($(step) + 20))"; }
unit() { [ "$(on "$1" systemctl show --value --property="$3" "$2")" = "$4" ]; }
advances
on steady systemctl restart ringmaster-coordinator
advances
say "the coordinator was restarted and the cluster goes on; $(step) steps"
on steady systemctl kill --kill-whom=main --signal=KILL ringmaster-coordinator
until_true 60 unit steady ringmaster-coordinator NRestarts 1
until_true 60 workers
advances
say "the coordinator was killed, started again by systemd, and the cluster goes on; $(step) steps"
on spot touch /run/ringmaster-leave
until_true 60 unit spot ringmaster-worker@lab ActiveState inactive
sleep 3 # Longer than RestartSec: it must stay away.
unit spot ringmaster-worker@lab ActiveState inactive || fail 'the worker is back, with its file there'
has 0
say "the worker left by its file and stays away; $(step) steps"
on spot rm /run/ringmaster-leave
on spot systemctl start ringmaster-worker@lab
advances
on spot systemctl stop ringmaster-worker@lab
unit spot ringmaster-worker@lab Result success || fail 'a worker that is stopped does not end well'
has 0
on spot systemctl start ringmaster-worker@lab
advances
on spot systemctl restart ringmaster-worker@lab
advances
[ "$(ringmaster job "$job" --json | field '({ state }) => state')" = running ] || fail 'the job was over too early: set STEPS'
say "the worker was stopped, started and restarted; $(step) steps"
ringmaster wait "$job" --timeout 10m
hash=$(ringmaster job "$job" --json | field '({ result }) => result.stateHash')
incidents=$(ringmaster incidents --json | field '(all) => all.map(({ what }) => what).join("\n")')
for machine in "${!init[@]}"; do [ -z "$(on "$machine" systemctl --failed --quiet --plain --no-legend)" ] || fail "$machine has failed units"; done
follow spot 4
follow steady 5
for machine in "${!init[@]}"; do
  left=$(on "$machine" find /etc/ringmaster /etc/systemd/system /var/lib/private -name '*ringmaster*' 2>/dev/null || true)
  [ -z "$left" ] || fail "$machine still has $left"
done
say "with all of that: $hash"
say "undisturbed:      $undisturbed"
[ -z "$incidents" ] || fail "incidents: $incidents"
[ "$hash" = "$undisturbed" ] || fail 'the hashes differ'
