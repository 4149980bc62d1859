/** A job that wants slots, as the scheduler sees it. */
export interface Demand {
  readonly job: string;
  readonly priority: number;
  /** Order of submission. */
  readonly order: number;
  /** Slots below which the job does not start. */
  readonly min: number;
  /** Slots above which it takes no more. */
  readonly max: number;
  /** Slots that its trainers hold already. */
  readonly held: number;
  /** TensorFlow threads that a slot must have. */
  readonly threads: number;
  /** Kind of device that its trainers run on; null while it has none. All of a run's are of one kind. */
  readonly device: 'cpu' | 'gpu' | null;
  /** Workers that it was refused on. */
  readonly excluded: readonly string[];
}

/** A worker's slots. */
export interface Offer {
  readonly worker: string;
  readonly slots: number;
  readonly free: number;
  readonly threads: number;
  readonly device: 'cpu' | 'gpu';
}

/** Trainers to launch for a job: one for each entry of `workers`. */
export interface Placement {
  readonly job: string;
  readonly workers: readonly string[];
}

/**
 * Who gets which free slots.
 *
 * Higher priorities come first, equal ones in the order of submission. Within a priority, jobs below their minimum are
 * served before others grow to their maximum. A job gets its whole minimum at once or nothing. One that would fit if
 * slots were free reserves every worker that it could use, so that smaller jobs behind it cannot starve it; one that
 * asks for more slots than exist holds nobody up.
 */
export function plan(demands: readonly Demand[], offers: readonly Offer[]): Placement[] {
  const free = new Map(offers.map(({ worker, free }) => [worker, free]));
  const reserved = new Set<string>();
  const granted = new Map<string, string[]>();
  const ordered = [...demands].sort((a, b) => b.priority - a.priority || a.order - b.order);

  const usable = (demand: Demand, device: 'cpu' | 'gpu') =>
    offers.filter(
      (offer) =>
        offer.device === device &&
        offer.threads >= demand.threads &&
        !demand.excluded.includes(offer.worker),
    );
  const freeOf = (candidates: readonly Offer[]) =>
    candidates.filter(({ worker }) => !reserved.has(worker) && (free.get(worker) ?? 0) > 0);
  const count = (candidates: readonly Offer[]) =>
    candidates.reduce((sum, { worker }) => sum + (free.get(worker) ?? 0), 0);
  const take = (demand: Demand, candidates: readonly Offer[], slots: number) => {
    const workers = granted.get(demand.job) ?? [];
    granted.set(demand.job, workers);
    for (let slot = 0; slot < slots; slot++) {
      const [emptiest] = freeOf(candidates).sort(
        (a, b) => (free.get(b.worker) ?? 0) - (free.get(a.worker) ?? 0) || compare(a, b),
      );
      if (emptiest === undefined) return;
      free.set(emptiest.worker, (free.get(emptiest.worker) ?? 0) - 1);
      workers.push(emptiest.worker);
    }
  };

  for (const priority of new Set(ordered.map((demand) => demand.priority))) {
    const level = ordered.filter((demand) => demand.priority === priority);
    const served: { demand: Demand; device: 'cpu' | 'gpu' }[] = [];
    for (const demand of level) {
      const devices = demand.device === null ? (['gpu', 'cpu'] as const) : [demand.device];
      const need = Math.max(0, demand.min - demand.held);
      const device = devices.find((kind) => count(freeOf(usable(demand, kind))) >= need);
      if (device !== undefined) {
        take(demand, usable(demand, device), need);
        served.push({ demand, device });
        continue;
      }
      for (const kind of devices) {
        const candidates = usable(demand, kind);
        const slots = candidates.reduce((sum, offer) => sum + offer.slots, 0);
        if (slots >= demand.min) for (const { worker } of candidates) reserved.add(worker);
      }
    }
    for (const { demand, device } of served) {
      const has = demand.held + (granted.get(demand.job)?.length ?? 0);
      take(demand, usable(demand, device), demand.max - has);
    }
  }
  return [...granted]
    .filter(([, workers]) => workers.length > 0)
    .map(([job, workers]) => ({ job, workers }));
}

function compare(a: Offer, b: Offer): number {
  return a.worker < b.worker ? -1 : 1;
}
