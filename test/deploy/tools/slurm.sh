#!/bin/bash
# slurm.sh: docs/guides/deploy/slurm.md followed on real daemons (Debian: slurm-wlm, munge), as root, from an empty directory to a
# finished job and back to nothing: a login node and two nodes, each with processes of its own, on this machine. While a job trains,
# workers are preempted, without and with a grace time, requeued, cancelled, run out of time and lose their node, and the coordinator
# is requeued and runs out of time; the hash is that of a cluster that nothing happened to. Wants a clone that is built. About ten
# minutes; STEPS of the job may be fewer on a slow machine, and have to be more where it ends too early.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [ "${1:-}" != inside ]; then
  place=$(mktemp -d /var/tmp/ringmaster-slurm-XXXXXX)
  trap '[ -n "${KEEP:-}" ] || rm -rf "$place"' EXIT
  # Daemons and whatever they have started end with this.
  unshare --mount --net --uts --pid --fork --kill-child --mount-proc "$0" inside "$place"
  exit
fi

place=$2
fail() {
  say "failed: $*"
  squeue --array >&2 || true
  tail -n 20 "$place"/*.log "$place"/login/*.log >&2 || true
  exit 1
}
hostname login
ip link set lo up
ip address add 10.0.0.1/24 dev lo
printf '127.0.0.1 localhost\n10.0.0.1 login\n' >"$place/hosts"
mount --bind "$place/hosts" /etc/hosts
mkdir -p "$place"/{shared/ringmaster,login,tmp,munge,state,spool/n1,spool/n2}
mount --bind "$root" "$place/shared/ringmaster"
export SLURM_CONF=$place/slurm.conf TMPDIR=$place/tmp USER=root
export RINGMASTER_CACHE=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster} HOME=$place/login
chmod 755 "$place" "$place/munge"
dd if=/dev/urandom of="$place/munge/key" bs=1024 count=1 status=none
chmod 400 "$place/munge/key"
munged --foreground --force --socket="$place/munge/socket" --key-file="$place/munge/key" --seed-file="$place/munge/seed" \
  --pid-file="$place/munge/pid" --log-file="$place/munge.log" 2>"$place/munged.log" &
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=login(10.0.0.1)
SlurmUser=root
SlurmctldPort=6817
AuthType=auth/munge
AuthInfo=socket=$place/munge/socket
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
RebootProgram=/bin/true
ReturnToService=2
KillWait=30
MinJobAge=300
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool/%n
SlurmctldPidFile=$place/slurmctld.pid
SlurmdPidFile=$place/slurmd-%n.pid
SlurmctldLogFile=$place/slurmctld.log
SlurmdLogFile=$place/slurmd-%n.log
NodeName=n1 NodeHostname=login NodeAddr=10.0.0.1 Port=6821 CPUs=12 RealMemory=32000 State=UNKNOWN
NodeName=n2 NodeHostname=login NodeAddr=10.0.0.1 Port=6822 CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=spot Nodes=n1 MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE State=UP
PartitionName=urgent Nodes=n1 MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=long Nodes=n2 MaxTime=INFINITE PriorityTier=1 PreemptMode=OFF State=UP
CONF
until_true 20 munge --socket="$place/munge/socket" --no-input
slurmctld -D -c -f "$SLURM_CONF" >"$place/ctld.log" 2>&1 &
declare -A power
# boot NODE: a node, whose processes have ids of their own and end with the first of them.
boot() {
  unshare --mount --pid --fork --kill-child --mount-proc sh -c "slurmd -D -c -N $1 -f '$SLURM_CONF' & wait" >"$place/$1.log" 2>&1 &
  power[$1]=$!
}
boot n1
boot n2
idle() { [ "$(sinfo --noheader --format=%t | sort -u)" = idle ]; }
until_true 60 idle
say 'munged, slurmctld and two slurmd run'

# follow BLOCK: the commands of a block of the guide in this shell, as someone at the login node would type them.
follow() {
  local commands
  commands=$(block slurm "$1" | sed "s,/shared/,$place/shared/,g; s/--array=1-8/--array=1-3/")
  set -x
  eval "$commands"
  { set +x; } 2>/dev/null
}
cd "$HOME"
follow 1
export RINGMASTER RINGMASTER_CREDENTIALS RINGMASTER_HOME
ringmaster() { node "$root/apps/cli/bin/ringmaster.js" "$@"; }
present() { ringmaster status --json | field '({ workers }) => workers.filter(({ state }) => !["left", "lost", "leaving"].includes(state)).length'; }
has() { [ "$(present)" = "$1" ]; }
named() { squeue --noheader --name="ringmaster-$1" --format=%F | head -n 1; }
workers=$(named worker) coordinator=$(named coordinator)
until_true 90 has 3
follow 2
say 'three workers compute what the login node does'

mkdir texts
sed "s/^steps: .*/steps: ${STEPS:-20000}/" "$root/deploy/launch/check/job.yaml" >texts/job.yaml
cp "$root/deploy/launch/check/notes.txt" texts
job=$(ringmaster submit texts/job.yaml)
step() { ringmaster job "$job" --json | field '({ step }) => step'; }
past() { [ "$(step)" -gt "$1" ]; }
advances() { until_true 60 past "$(step)"; }
computes() { ringmaster job "$job" --json | field "({ state, workers }) => state === 'running' && workers.length === $1" | grep -q true; }
until_true 90 computes 3
say "three workers train; $(step) steps"

id() { squeue --noheader --array --format=%i --job="${workers}_$1"; }
state() { squeue --noheader --array --format=%t --job="$1"; }
stands() { [ "$(state "$1")" = "$2" ]; }
restarts() { scontrol show job "$1" | sed -n 's/.* Restarts=\([0-9]*\).*/\1/p'; }
grown() { [ "$(restarts "$1")" -gt "$2" ]; }
# Who was requeued would wait two minutes. Some seconds it must: a job that starts in the second of its end has no credential.
hurry() {
  local each line
  line=$(squeue --noheader --array --states=PD --format=%i --job="$workers,$coordinator")
  sleep 3
  for each in $line; do scontrol update jobid="$each" starttime=now || true; done
}
back() { hurry >/dev/null 2>&1; has "$1" && computes "$1"; }
urgent() {
  local job
  job=$(sbatch --parsable --partition=urgent --ntasks=1 --cpus-per-task=8 --mem=0 --output=/dev/null --wrap 'sleep 8')
  until_true 90 stands "$job" R
}
# minutes_left JOB MINUTES: sets a job's time limit.
minutes_left() {
  local seconds
  seconds=$(($(date +%s) - $(date --date="$(squeue --noheader --array --job="$1" --format=%S)" +%s)))
  scontrol update jobid="$1" timelimit=$((seconds / 60 + $2))
}

urgent
say "an urgent job has preempted workers: $(squeue --noheader --array --format='%i=%t' --job="$workers" | tr '\n' ' ')"
[ "$(squeue --noheader --array --states=PD --format=%i --job="$workers" | wc -l)" = 2 ] || fail 'two of them do not stand in line'
advances
until_true 200 back 3
say "they are back; $(step) steps"

# The third one's time is up while other things happen.
third=$(id 3)
before=$(restarts "$third")
minutes_left "$third" 2
scontrol requeue "$(id 1)"
until_true 60 has 2
advances
until_true 200 grown "$third" "$before"
scontrol update jobid="$third" timelimit=1-00:00:00
say "one was requeued, and one has run out of time and stands in line again; $(step) steps"
until_true 200 back 3
say "both are back; $(step) steps"

scontrol update partitionname=spot gracetime=60
urgent
[ "$(squeue --noheader --array --states=PD --format=%i --job="$workers" | wc -l)" = 2 ] || fail 'two that were preempted with a grace time do not stand in line'
scontrol update partitionname=spot gracetime=0
advances
until_true 200 back 3
say "workers were preempted with a grace time and are back; $(step) steps"

scancel "$(id 2)"
until_true 60 has 2
say "one was cancelled; $(step) steps"

scontrol requeue "$coordinator"
until_true 60 stands "$coordinator" PD
until_true 200 back 2
advances
say "the coordinator was requeued and has its workers again; $(step) steps"

before=$(restarts "$coordinator")
minutes_left "$coordinator" 4
until_true 120 grown "$coordinator" "$before"
scontrol update jobid="$coordinator" timelimit=7-00:00:00
until_true 200 back 2
advances
say "the coordinator has run out of time, stood in line again and has its workers again; $(step) steps"

[ "$(ringmaster incidents --json)" = '[]' ] || fail "incidents: $(ringmaster incidents)"
# As Slurm does itself when it hears nothing of a node for SlurmdTimeout.
kill -KILL "${power[n1]}"
{ wait "${power[n1]}" || true; } 2>/dev/null
scontrol update nodename=n1 state=down reason='no power'
until_true 60 has 0
boot n1
scontrol update nodename=n1 state=resume 2>/dev/null || true
until_true 200 back 2
advances
say "the node of all workers had no power and is back; $(step) steps"

[ -z "$(id 2)" ] || fail 'who was cancelled came back'
[ "$(ringmaster job "$job" --json | field '({ state }) => state')" != succeeded ] || fail 'the job was over too early: set STEPS'
ends=124
while [ $ends = 124 ]; do
  hurry >/dev/null 2>&1
  ends=0
  ringmaster wait "$job" --timeout 10s || ends=$?
done
[ $ends = 0 ] || fail "the job ended with $ends"
hash=$(ringmaster job "$job" --json | field '({ result }) => result.stateHash')
say "incidents: $(ringmaster incidents --json | field '(all) => all.map(({ what }) => "\n" + what).join("")')"
follow 3
# Slurm kills what does not end within KillWait, and looks for it a minute later.
until_true 240 sh -c '[ -z "$(squeue --noheader)" ]'
[ -z "$(pgrep --full /apps/ || true)" ] || fail "still running: $(pgrep --list-full --full /apps/)"
left=$(find "$place"/{login,tmp,shared/root} -mindepth 1 -path "$HOME/texts" -prune -o -print)
[ -z "$left" ] || fail "there is still $left"
say 'nothing is left'

export RINGMASTER_HOME=$place/undisturbed
ringmaster up --workers 1 >&2
undisturbed=$(ringmaster job "$(ringmaster submit texts/job.yaml --wait)" --json | field '({ result }) => result.stateHash')
ringmaster down >&2
say "with all of that: $hash"
say "undisturbed:      $undisturbed"
[ "$hash" = "$undisturbed" ] || fail 'the hashes differ'
