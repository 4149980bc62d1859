import type { TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import type { Departure } from '@ringmaster/coordinator/runs';
import type { Environment } from './environment.js';
import { Trainer } from './trainer.js';
import { Link } from './world.js';

export type Report =
  | { readonly type: 'message'; readonly trainer: string; readonly message: TrainerMessage }
  | { readonly type: 'gone'; readonly trainer: string; readonly departure: Departure };

export type Order =
  | { readonly type: 'launch'; readonly trainer: string }
  | { readonly type: 'command'; readonly trainer: string; readonly command: TrainerCommand }
  | { readonly type: 'end'; readonly trainer: string };

/** What workers speak to. */
export interface Listener {
  readonly isUp: boolean;
  registered(worker: Worker): void;
  /** A worker is not connected since then. */
  silent(worker: Worker, since: number): void;
  reported(report: Report): void;
}

/**
 * A worker's agent: it holds what it has to tell until it knows that it has arrived, and tells it again on the next
 * connection.
 */
export class Worker {
  readonly id: string;
  readonly trainers = new Map<string, Trainer>();
  isAlive = true;
  isConnected = false;
  readonly #environment: Environment;
  readonly #coordinator: Listener;
  readonly #up: Link;
  readonly #down: Link;
  /** Not connected before; while it is in the future, the network is cut. */
  #reconnectsAt = 0;
  #disconnectedAt = 0;
  #outbox: Report[] = [];
  #settled = 0;
  #connections = 0;

  constructor(environment: Environment, coordinator: Listener, id: string) {
    this.#environment = environment;
    this.#coordinator = coordinator;
    this.id = id;
    this.#up = new Link(environment.world);
    this.#down = new Link(environment.world);
  }

  connect(): void {
    const coordinator = this.#coordinator;
    if (!this.isAlive || this.isConnected || !coordinator.isUp) return;
    this.isConnected = true;
    this.#connections++;
    coordinator.registered(this);
    this.#outbox.forEach((report, index) => {
      this.#transmit(report, this.#settled + index + 1);
    });
  }

  /** What is on its way is lost, and for so long it does not come back. */
  disconnect(forMs: number): void {
    const { now, dice } = this.#environment.world;
    if (!this.isConnected) return;
    this.#reconnectsAt = now + forMs + dice.between(0, 1200);
    this.isConnected = false;
    this.#disconnectedAt = now;
    this.#up.cut();
    this.#down.cut();
  }

  tick(): void {
    if (this.#environment.world.now >= this.#reconnectsAt) this.connect();
    if (!this.isConnected) this.#coordinator.silent(this, this.#disconnectedAt);
  }

  die(): void {
    this.isAlive = false;
    this.disconnect(Infinity);
    for (const trainer of this.trainers.values()) trainer.die();
    this.trainers.clear();
  }

  order(order: Order): void {
    if (!this.isConnected) return;
    this.#down.send(() => {
      if (this.isAlive) this.#obey(order);
    });
  }

  /** Ends a trainer's process. */
  kill(trainer: Trainer, departure: Departure): void {
    if (!this.trainers.delete(trainer.id)) return;
    trainer.die();
    this.#tell({ type: 'gone', trainer: trainer.id, departure });
  }

  #obey(order: Order): void {
    const { dice } = this.#environment.world;
    if (order.type === 'launch') {
      const trainer = new Trainer(this.#environment, order.trainer, (message) => {
        this.#tell({ type: 'message', trainer: order.trainer, message });
      });
      this.trainers.set(order.trainer, trainer);
      return;
    }
    const trainer = this.trainers.get(order.trainer);
    if (trainer === undefined) return;
    if (order.type === 'command') trainer.command(order.command);
    else
      this.#environment.world.after(dice.between(0, 300), () => {
        this.kill(trainer, exited('SIGTERM'));
      });
  }

  #tell(report: Report): void {
    this.#outbox.push(report);
    if (this.isConnected) this.#transmit(report, this.#settled + this.#outbox.length);
  }

  #transmit(report: Report, number: number): void {
    const connection = this.#connections;
    const { world } = this.#environment;
    this.#up.send(() => {
      this.#coordinator.reported(report);
      world.after(world.dice.between(20, 1500), () => {
        if (!this.isConnected || connection !== this.#connections) return;
        this.#outbox = this.#outbox.slice(Math.max(0, number - this.#settled));
        this.#settled = Math.max(this.#settled, number);
      });
    });
  }
}

export function exited(signal: string): Departure {
  return {
    cause: 'exited',
    code: null,
    signal,
    lastLines: [],
    rssBytes: null,
    outOfMemory: false,
  };
}
