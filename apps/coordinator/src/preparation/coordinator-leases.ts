import {
  lendTask,
  type ForeignAnswer,
  type Lease,
  type Leases,
  type Task,
  type TaskPlace,
} from '@ringmaster/data';
import type { PreparationCommand, PreparationMessage } from './messages.js';

type Command<Type> = Extract<PreparationCommand, { type: Type }>;
type LeaseMessage = Extract<
  PreparationMessage,
  { type: 'lease-wanted' | 'lease-returned' | 'judged' }
>;

interface Waiting {
  readonly task: Task;
  readonly resolve: (taken: Lease | ForeignAnswer) => void;
}

/** Leases that the coordinator gives to a preparation's process, which others have too, or lends the tasks of. */
export class CoordinatorLeases implements Leases {
  readonly #tell: (message: LeaseMessage) => void;
  readonly #waiting = new Map<number, Waiting>();
  #ahead = 1;
  #last = 0;

  constructor(tell: (message: LeaseMessage) => void) {
    this.#tell = tell;
  }

  get ahead(): number {
    return this.#ahead;
  }

  async take(task: Task, place: TaskPlace): Promise<Lease | ForeignAnswer> {
    const lent = place === 'here' ? null : await lendTask(task);
    const number = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(number, { task, resolve });
      this.#tell({
        type: 'lease-wanted',
        number,
        lent: lent === null ? null : { packed: lent.packed, inputs: [...lent.inputs] },
      });
    });
  }

  /** The coordinator has given one. */
  onGranted({ number }: Command<'lease'>): void {
    this.#take(number)?.resolve({
      giveBack: () => {
        this.#tell({ type: 'lease-returned' });
      },
    });
  }

  /** A worker has sent an answer. */
  onAnswered({ number, worker, path }: Command<'answered'>): void {
    const waiting = this.#take(number);
    if (waiting === null) return;
    const { task, resolve } = waiting;
    const judge = (verdict: 'accepted' | 'refused' | 'wrong', reason: string) => {
      this.#tell({ type: 'judged', worker, task: task.name, verdict, reason });
    };
    resolve({
      worker,
      path,
      accept: () => {
        judge('accepted', '');
      },
      refuse: (reason) => {
        judge('refused', reason);
      },
      distrust: () => {
        judge('wrong', '');
      },
    });
  }

  onAhead({ leases }: Command<'ahead'>): void {
    this.#ahead = leases;
  }

  #take(number: number): Waiting | null {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    return waiting ?? null;
  }
}
