/** Priorities beyond this differ no more: a share is at most so many times twice another. */
const MOST_PRIORITY = 8;

/** A preparation, as its share of the leases is told. */
export interface Member {
  readonly id: string;
  /** Leases that it holds. */
  readonly held: number;
  /** Leases that it waits for. */
  readonly waiting: number;
  /** How much of its share it has had: of two that wait, the one that has had less is next. */
  readonly pass: number;
}

/**
 * Who gets the next lease: of those who hold none, and otherwise of all who wait, the one that has had least of its
 * share, and of these the one that came first. Null where nobody waits.
 */
export function nextOf(members: readonly Member[]): string | null {
  const waiting = members.filter((member) => member.waiting > 0);
  const without = waiting.filter(({ held }) => held === 0);
  const [next] = (without.length > 0 ? without : waiting).toSorted((a, b) => a.pass - b.pass);
  return next?.id ?? null;
}

interface Share extends Member {
  held: number;
  waiting: number;
  pass: number;
  /** What a lease adds to `pass`: the less, the larger the share. */
  readonly stride: number;
}

/**
 * Shares leases among preparations by stride scheduling (Waldspurger and Weihl 1995): each gets leases as its priority
 * asks for, where one by one higher asks for twice as many, and whoever waits with none has one before others get more.
 */
export class LeasePool {
  readonly #members = new Map<string, Share>();
  #free: number;

  /** @param size Leases that are held at a time; infinite where others say when there is room. */
  constructor(size: number) {
    this.#free = size;
  }

  join(id: string, priority: number): void {
    const power = Math.max(-MOST_PRIORITY, Math.min(MOST_PRIORITY, priority));
    const share = { id, held: 0, waiting: 0, pass: this.#present(), stride: 2 ** -power };
    this.#members.set(id, share);
  }

  /** A preparation has ended: nobody holds its leases any more. */
  leave(id: string): void {
    this.#free += this.#members.get(id)?.held ?? 0;
    this.#members.delete(id);
  }

  want(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    // Who did without for a while is not paid back for it.
    if (member.held === 0 && member.waiting === 0)
      member.pass = Math.max(member.pass, this.#present());
    member.waiting++;
  }

  giveBack(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined || member.held === 0) return;
    member.held--;
    this.#free++;
  }

  /**
   * Gives the next lease, if there is one and somebody waits.
   * @param canHave Whether there is room for what one of those who wait waits for.
   * @returns who has it now
   */
  grant(canHave: (id: string) => boolean = () => true): string | null {
    if (this.#free === 0) return null;
    const able = [...this.#members.values()].filter(
      ({ id, waiting }) => waiting > 0 && canHave(id),
    );
    const member = this.#members.get(nextOf(able) ?? '');
    if (member === undefined) return null;
    this.#free--;
    member.held++;
    member.waiting--;
    member.pass += member.stride;
    return member.id;
  }

  /** What those who have or want leases have had of their shares, at the least; 0 without any. */
  #present(): number {
    const busy = [...this.#members.values()].filter(({ held, waiting }) => held + waiting > 0);
    return busy.length === 0 ? 0 : Math.min(...busy.map(({ pass }) => pass));
  }
}
