import {
  sha256,
  type Position,
  type TrainerCommand,
  type TrainerMessage,
} from '@ringmaster/protocol';
import { report } from './scene.test.fixture.js';

type Command<Type extends TrainerCommand['type']> = Extract<TrainerCommand, { type: Type }>;

/** Steps of a run here. */
export const STEPS = 12;

export const positionAt = (step: number): Position => ({
  ...{ step, evaluations: 0, stateHash: sha256(`state ${step}`) },
});

interface Ring {
  readonly generation: number;
  readonly rank: number;
  readonly start: Command<'start'>;
}

/** What a trainer does as the contract says, with nothing computed: who linked and summed is decided by its cluster. */
export class TrainerModel {
  readonly id: string;
  readonly say: (message: TrainerMessage) => void;
  loaded = false;
  state: Position | null = null;
  promised = 0;
  ring: Ring | null = null;
  /** Summed and not applied yet: the generation to switch to, if the lanes agreed on one. */
  pending: { readonly agreed: number | null } | null = null;
  failed = false;
  retired: { readonly generation: number; readonly step: number } | null = null;
  readonly #ranks = new Map<number, number>();
  readonly #planned = new Map<number, Command<'start'> | Command<'retire'>>();

  constructor(id: string, say: (message: TrainerMessage) => void) {
    this.id = id;
    this.say = say;
  }

  load(): void {
    if (this.loaded) return;
    this.loaded = true;
    this.say({ type: 'ready', steps: STEPS, numerics: { cpu: 'zen' }, parameters: 1 });
  }

  obey(command: TrainerCommand): void {
    switch (command.type) {
      case 'prepare':
        this.#prepare(command);
        break;
      case 'start':
        this.#start(command);
        break;
      case 'retire':
        if (this.retired?.generation === command.generation) this.#sayRetired(this.retired);
        else if (this.#isAhead(command.generation)) this.#planned.set(command.generation, command);
        break;
      case 'withdraw':
        this.#planned.delete(command.generation);
        break;
      case 'save':
        if (this.ring === null && this.state !== null) this.checkpoint(this.promised);
    }
  }

  /** Whether its state is that of the last step. */
  get isDone(): boolean {
    return this.state?.step === STEPS;
  }

  /** The generation that it names in its lane. */
  get named(): number | null {
    const newest = Math.max(...this.#planned.keys());
    return newest > (this.ring?.generation ?? 0) ? newest : null;
  }

  /** The start of a planned generation that this newcomer waits to be taken into. */
  get joins(): Command<'start'> | null {
    if (this.ring !== null || this.named === null) return null;
    const command = this.#planned.get(this.named);
    return command?.type === 'start' ? command : null;
  }

  /** Takes the state over and goes to work. */
  join(start: Command<'start'>, state: Position): void {
    const { generation } = start;
    this.state = state;
    this.#enter(start);
    this.#sayStarted(generation);
  }

  apply(): void {
    const { pending, ring, state } = this;
    if (pending === null || ring === null || state === null) return;
    this.pending = null;
    this.state = positionAt(state.step + 1);
    const { generation, rank } = ring;
    const steps = [report(this.state.step)];
    this.say({ type: 'progress', generation, rank, steps, evaluations: [] });
    if (this.isDone) this.#sayFinished(ring, this.state);
    else if (pending.agreed !== null) this.#switch(pending.agreed, ring);
  }

  checkpoint(generation: number): void {
    if (this.state === null) return;
    const { state: position } = this;
    const manifest = sha256(`checkpoint ${position.step}`);
    this.say({ type: 'checkpointed', generation, position, manifest, seconds: 1 });
  }

  /** Reports that it waits in vain for a rank. */
  fail(blames: number[]): void {
    if (this.ring === null || this.failed) return;
    const { generation } = this.ring;
    this.failed = true;
    const error = { code: 'RING_PEER_LOST', message: 'nobody there', remedy: '', detail: null };
    const step = this.state?.step ?? 0;
    this.say({ type: 'failed', generation, step, fatal: false, blames, error });
  }

  #prepare({ generation, rank, planned }: Command<'prepare'>): void {
    if (generation < this.promised || (planned && !this.#isAhead(generation))) return;
    if (!planned && generation > this.promised) {
      this.promised = generation;
      [this.ring, this.pending, this.retired] = [null, null, null];
      this.failed = false;
      this.#planned.clear();
    }
    if (!planned && this.ring !== null) return;
    this.#ranks.set(generation, rank);
    const state = planned ? null : this.state;
    const endpoint = `tcp://${this.id}/${generation}`;
    this.say({ type: 'prepared', generation, endpoint, donor: '', state, interrupted: null });
  }

  #start(start: Command<'start'>): void {
    const { generation, begin } = start;
    if (this.ring?.generation === generation) {
      if (this.state !== null) this.#sayStarted(generation);
      return;
    }
    if (begin.at === 'switch') {
      if (this.#isAhead(generation) && this.retired === null) this.#planned.set(generation, start);
      return;
    }
    if (generation !== this.promised) return;
    this.#enter(start);
    if (begin.at === 'specification') this.state = positionAt(0);
    else if (begin.at === 'checkpoint') this.state = begin.position;
    else if (this.state?.stateHash !== begin.position.stateHash) this.state = null;
    if (this.state !== null) this.#sayStarted(generation);
  }

  #switch(generation: number, before: Ring): void {
    const command = this.#planned.get(generation);
    if (command?.type === 'start') {
      this.#enter(command);
      this.#sayStarted(generation);
      return;
    }
    this.ring = null;
    const checkpoint = command?.type === 'retire' && command.checkpoint;
    if (checkpoint && before.rank === 0) this.checkpoint(before.generation);
    this.retired = { generation, step: this.state?.step ?? 0 };
    this.#sayRetired(this.retired);
  }

  #enter(start: Command<'start'>): void {
    const { generation } = start;
    this.ring = { generation, rank: this.#ranks.get(generation) ?? 0, start };
    for (const other of this.#planned.keys()) if (other <= generation) this.#planned.delete(other);
  }

  #isAhead(generation: number): boolean {
    return generation > this.promised && generation > (this.ring?.generation ?? 0);
  }

  #sayStarted(generation: number): void {
    const rank = this.ring?.rank ?? 0;
    const step = this.state?.step ?? 0;
    this.say({ type: 'started', generation, rank, step, transferSeconds: 0 });
    if (this.isDone && this.ring !== null && this.state !== null)
      this.#sayFinished(this.ring, this.state);
  }

  #sayFinished({ generation, rank }: Ring, position: Position): void {
    const model = rank === 0 ? sha256('model') : null;
    this.say({ type: 'finished', generation, rank, position, model, metrics: {} });
  }

  #sayRetired({ generation, step }: { generation: number; step: number }): void {
    this.say({ type: 'retired', generation, step });
  }
}
