#!/bin/bash
# slurm.sh: deploy/slurm on real daemons (Debian: slurm-wlm, munge), as root, from an empty directory to a finished job and
# back to nothing: two nodes on this machine, a preemptible partition and an urgent one. While a job trains, workers are
# preempted, requeued, cancelled, run out of time and lose their node, and the coordinator is requeued; its hash is that of a
# cluster that nothing happened to. About six minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
place=$(mktemp -d /tmp/ringmaster-slurm-XXXXXX)
export RINGMASTER=$root RINGMASTER_HOME=$place/home RINGMASTER_CREDENTIALS=$place/credentials RINGMASTER_HOST=127.0.0.1
export SLURM_CONF=$place/slurm.conf
daemons=()
say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }
fail() {
  say "failed: $*"
  squeue >&2 || true
  tail -n 20 "$place"/*.log >&2 || true
  exit 1
}
ended() {
  scancel --user=root >/dev/null 2>&1 || true
  sleep 1
  for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do kill "${daemons[at]}" 2>/dev/null || true; done
  # A slurmd whose step does not end goes on for ever.
  for ((tenths = 0; tenths < 50; tenths++)); do
    kill -0 "${daemons[@]}" 2>/dev/null || break
    sleep 0.1
  done
  for daemon in "${daemons[@]}"; do
    pkill -KILL -P "$daemon" 2>/dev/null || true
    kill -KILL "$daemon" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  [ -n "${KEEP:-}" ] || rm -rf "$place"
}
trap ended EXIT
# until_true SECONDS COMMAND…
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "never happened: $*"
    sleep 0.3
  done
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

mkdir -p "$place"/{munge,state,spool}
chmod 755 "$place" "$place/munge"
dd if=/dev/urandom of="$place/munge/key" bs=1024 count=1 status=none
chmod 400 "$place/munge/key"
munged --foreground --force --socket="$place/munge/socket" --key-file="$place/munge/key" --seed-file="$place/munge/seed" \
  --pid-file="$place/munge/pid" --log-file="$place/munge.log" 2>"$place/munged.out" &
daemons+=($!)
host=$(hostname -s)
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$(free_port)
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
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=4 RealMemory=16000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=1 RealMemory=16000 State=UNKNOWN
PartitionName=spot Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE State=UP
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP
CONF
mkdir -p "$place/spool/n1" "$place/spool/n2"
until_true 20 munge --socket="$place/munge/socket" --no-input
slurmctld -D -c -f "$SLURM_CONF" >"$place/ctld.out" 2>&1 &
daemons+=($!)
for node in n1 n2; do
  slurmd -D -c -N $node -f "$SLURM_CONF" >"$place/$node.out" 2>&1 &
  daemons+=($!)
done
until_true 60 sh -c '[ "$(sinfo --noheader --Node --partition=spot --format=%t | grep -c idle)" = 2 ]'
say 'munged, slurmctld and two slurmd run'

cd "$place"
ringmaster() { node "$root/apps/cli/bin/ringmaster.js" "$@"; }
field() { node -e 'console.log(eval("(" + process.argv[1] + ")")(JSON.parse(require("fs").readFileSync(0))))' "$1"; }
sed "s/^steps: .*/steps: ${STEPS:-20000}/" "$root/deploy/launch/check/job.yaml" >job.yaml
cp "$root/deploy/launch/check/notes.txt" .
coordinator=$(sbatch --parsable --partition=urgent --nodelist=n2 "$root/deploy/slurm/coordinator.sbatch")
until_true 60 test -s "$RINGMASTER_CREDENTIALS/join"
workers=$(sbatch --parsable --array=1-3 --cpus-per-task=1 --mem=0 --time=3 --signal=B:TERM@50 "$root/deploy/slurm/workers.sbatch")
present() { ringmaster status --json | field '({ workers }) => workers.filter(({ state }) => !["left", "lost", "leaving"].includes(state)).length'; }
has() { [ "$(present)" = "$1" ]; }
# Who was requeued would wait two minutes.
hurry() { for each in $(squeue --noheader --array --states=PD --format=%i --job="$workers,$coordinator"); do scontrol update jobid="$each" starttime=now || true; done; }
back() { hurry >/dev/null 2>&1; has "$1"; }
until_true 90 has 3
job=$(ringmaster submit job.yaml)
step() { ringmaster job "$job" --json | field '({ step }) => step'; }
computes() { ringmaster job "$job" --json | field "({ state, workers }) => state === 'running' && workers.length === $1" | grep -q true; }
advances() { local from; from=$(step); until_true 60 sh -c "[ \"\$(node '$root/apps/cli/bin/ringmaster.js' job $job --json | node -e 'console.log(JSON.parse(require(\"fs\").readFileSync(0)).step)')\" -gt $from ]"; }
until_true 90 computes 3
say "three workers train; $(step) steps"

id() { squeue --noheader --array --format='%i' --job="${workers}_$1"; }
state() { squeue --noheader --array --format='%t' --job="${workers}_$1"; }
runs() { [ "$(state "$1")" = R ]; }

urgent=$(sbatch --parsable --partition=urgent --ntasks=1 --cpus-per-task=3 --mem=0 --output=/dev/null --wrap 'sleep 8')
until_true 60 sh -c "[ \"\$(squeue --noheader --format=%t --job=$urgent)\" = R ]"
say "an urgent job has preempted workers: $(squeue --noheader --array --format='%i=%t' --job="$workers" | tr '\n' ' ')"
advances
until_true 200 back 3
say "they are back; $(step) steps"

scontrol requeue "$(id 1)"
until_true 60 has 2
advances
until_true 200 back 3
say "one was requeued and is back; $(step) steps"

scancel "$(id 2)"
until_true 60 has 2
say "one was cancelled; $(step) steps"

scontrol update nodename=n1 state=down reason=test
until_true 60 has 0
# A node that comes back by itself while its jobs still end would refuse them.
sleep 10
scontrol update nodename=n1 state=resume 2>/dev/null || true
until_true 200 back 2
advances
say "the node of all workers was down and is back; $(step) steps"

scontrol requeue "$coordinator"
until_true 60 sh -c "[ -z \"\$(squeue --noheader --states=R,CG --job=$coordinator)\" ]"
sleep 2
until_true 200 back 2
advances
say "the coordinator was requeued and has its workers again; $(step) steps"

grown() { [ "$(restarts)" -gt "$before" ]; }
restarts() { scontrol show job "$(id 3)" | sed -n 's/.* Restarts=\([0-9]*\).*/\1/p'; }
before=$(restarts)
until_true 400 grown
say "one has run out of time and stands in line again; $(step) steps"
until_true 200 back 2
[ -z "$(state 2)" ] || fail 'who was cancelled came back'
[ "$(ringmaster job "$job" --json | field '({ state }) => state')" != succeeded ] || fail 'the job was over too early: set STEPS'
ends=124
while [ $ends = 124 ]; do
  hurry >/dev/null 2>&1
  ends=0
  ringmaster wait "$job" --timeout 10s || ends=$?
done
[ $ends = 0 ] || fail "the job ended with $ends"
hash=$(ringmaster job "$job" --json | field '({ result }) => result.stateHash')
ringmaster incidents --json >incidents.json
scancel "$workers"
scancel --name=ringmaster-coordinator
# Slurm kills what does not end within KillWait, and looks for it a minute later.
until_true 240 sh -c '[ -z "$(squeue --noheader)" ]'
say 'no job is left'

export RINGMASTER_HOME=$place/undisturbed
ringmaster up --workers 1 >&2
undisturbed=$(ringmaster job "$(ringmaster submit job.yaml --wait)" --json | field '({ result }) => result.stateHash')
ringmaster down >&2
say "with all of that: $hash"
say "undisturbed:      $undisturbed"
field '(all) => all.map(({ code, kind, message }) => [kind, code, message].join(" ")).join("\n")' <incidents.json >&2
[ "$hash" = "$undisturbed" ] || fail 'the hashes differ'
