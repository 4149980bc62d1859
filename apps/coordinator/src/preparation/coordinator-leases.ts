import { availableParallelism } from 'node:os';
import type { Lease, Leases } from '@ringmaster/data';
import type { PreparationMessage } from './messages.js';

type LeaseMessage = Extract<PreparationMessage, { type: 'lease-wanted' | 'lease-returned' }>;

/** Leases that the coordinator gives to a preparation's process, which others have too. */
export class CoordinatorLeases implements Leases {
  readonly ahead = 2 * availableParallelism();
  readonly #tell: (message: LeaseMessage) => void;
  readonly #waiting: ((lease: Lease) => void)[] = [];

  constructor(tell: (message: LeaseMessage) => void) {
    this.#tell = tell;
  }

  take(): Promise<Lease> {
    this.#tell({ type: 'lease-wanted' });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The coordinator has given one. */
  onGranted(): void {
    this.#waiting.shift()?.({
      giveBack: () => {
        this.#tell({ type: 'lease-returned' });
      },
    });
  }
}
