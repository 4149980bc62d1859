/** Where tasks of data preparation may be done. */
export const prepareOn = ['both', 'coordinator', 'workers'] as const;

/**
 * - `coordinator`: on its machine, by processes of its own.
 * - `workers`: by workers, those of its machine too; by itself while none has room, and what one of them has failed at.
 * - `both`: by itself, and by workers of other machines; those of its own would only take its processors.
 */
export type PrepareOn = (typeof prepareOn)[number];

/** A worker that does tasks. */
export interface TaskWorker {
  readonly id: string;
  readonly machine: string;
  /** Processors of its machine. */
  readonly processors: number;
  /** Threads of its slots that have no trainer. */
  readonly threads: number;
}

/** What is being done at this moment. */
export interface Load {
  /** Tasks that the coordinator's own threads do. */
  readonly here: number;
  /** Tasks that each worker does, by its id. */
  readonly elsewhere: ReadonlyMap<string, number>;
}

export interface Room {
  readonly prepareOn: PrepareOn;
  /** Of the coordinator. */
  readonly machine: string;
  /** Tasks that the coordinator's own threads may do at a time. */
  readonly threads: number;
  readonly workers: readonly TaskWorker[];
}

/** The workers that may do tasks of this coordinator. */
function helpers({ prepareOn, machine, workers }: Room): readonly TaskWorker[] {
  if (prepareOn === 'coordinator') return [];
  return prepareOn === 'workers' ? workers : workers.filter((worker) => worker.machine !== machine);
}

/** Tasks that may be done at a time, while trainers stay where they are. */
export function capacity(room: Room): number {
  return Math.max(room.threads, 1) + roomElsewhere(room);
}

function roomElsewhere(room: Room): number {
  const machines = new Map<string, { threads: number; processors: number }>();
  for (const { machine, threads, processors } of helpers(room)) {
    const known = machines.get(machine)?.threads ?? 0;
    machines.set(machine, { threads: known + threads, processors });
  }
  return [...machines.values()].reduce(
    (sum, { threads, processors }) => sum + Math.min(threads, processors),
    0,
  );
}

/**
 * Who is to do the next task: the coordinator (`here`), a worker by its id, or nobody yet (null). A slot with a trainer
 * does no tasks, and the tasks of a machine are never more than its processors.
 * @param isBound Whether the task can be done here alone.
 */
export function placeFor(room: Room, load: Load, isBound: boolean): 'here' | (string & {}) | null {
  const isHereFree = (tasksOfMachines(room, load).get(room.machine) ?? 0) < room.threads;
  if (isBound || room.prepareOn === 'coordinator') return isHereFree ? 'here' : null;
  const worker = freest(room, load);
  if (room.prepareOn === 'both') return isHereFree ? 'here' : worker;
  return worker ?? (isHereFree && roomElsewhere(room) === 0 ? 'here' : null);
}

/** The worker with the most threads that do nothing; of equal ones the first. */
function freest(room: Room, load: Load): string | null {
  const { elsewhere } = load;
  const busy = tasksOfMachines(room, load);
  let best: { readonly id: string; readonly free: number } | null = null;
  for (const { id, machine, processors, threads } of helpers(room)) {
    const free = Math.min(
      threads - (elsewhere.get(id) ?? 0),
      processors - (busy.get(machine) ?? 0),
    );
    if (free > (best?.free ?? 0)) best = { id, free };
  }
  return best?.id ?? null;
}

function tasksOfMachines({ machine, workers }: Room, { here, elsewhere }: Load) {
  const tasks = new Map([[machine, here]]);
  for (const { id, machine: its } of workers)
    tasks.set(its, (tasks.get(its) ?? 0) + (elsewhere.get(id) ?? 0));
  return tasks;
}
