import { runProgram } from './program.js';

const POLL_MS = 500;

/** Watches how much of the card's memory each process has; `stop` tells the most that each had, in MiB. */
export function watchCardMemory(): { stop: () => Promise<ReadonlyMap<number, number>> } {
  const most = new Map<number, number>();
  let stopping = false;
  const poll = async () => {
    while (!stopping) {
      const query = ['--query-compute-apps=pid,used_memory', '--format=csv,noheader,nounits'];
      const { out } = await runProgram('nvidia-smi', query, { limitMs: 10_000 });
      for (const line of out.trim().split('\n')) {
        const [pid = NaN, mebibytes = NaN] = line.split(',').map(Number);
        if (Number.isFinite(pid) && Number.isFinite(mebibytes))
          most.set(pid, Math.max(most.get(pid) ?? 0, mebibytes));
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  const polling = poll();
  return {
    async stop() {
      stopping = true;
      await polling;
      return most;
    },
  };
}
