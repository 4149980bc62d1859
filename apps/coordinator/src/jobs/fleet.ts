import type { Launch, TrainerCommand } from '@ringmaster/protocol';
import type { Offer } from '../scheduler/demand.js';

/** What jobs ask of the workers. Nothing here waits: what becomes of it comes back as events. */
export interface Fleet {
  offers(): Offer[];
  launch(worker: string, launch: Launch): void;
  command(trainer: string, command: TrainerCommand): void;
  end(trainer: string): void;
}
