# shellcheck shell=sh
# What the batch scripts beside this one do with signals of Slurm. Of who is preempted or requeued Slurm puts the job in line again,
# and who is cancelled stays away; whose time is up is put in line by the script.

# The job as squeue and scontrol know it: SLURM_JOB_ID of an array's last element is that of the whole array.
me=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
me=${me:-$SLURM_JOB_ID}

# time_is_up SECONDS: whether SIGTERM has come because Slurm ends the job within so many seconds: at its time limit, of which
# --signal tells up to a minute early, or in a grace time (GraceTime) before another takes its place. Slurm takes a job that ends
# before that for done. Of one that is cancelled, requeued or preempted it has noted so before it signals: it does not run any more.
time_is_up() {
  at=$(squeue --noheader --jobs="$me" --states=RUNNING --format=%e)
  [ -n "$at" ] && [ "$(date --date="$at" +%s)" -le "$(($(date +%s) + $1))" ]
}

# ended PID: waits until a child has ended, however many signals come meanwhile; its exit code is `status`.
ended() {
  status=0
  wait "$1" || status=$?
  while kill -0 "$1" 2>/dev/null; do
    status=0
    wait "$1" || status=$?
  done
}
