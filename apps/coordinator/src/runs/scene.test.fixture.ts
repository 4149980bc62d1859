import type { StepReport, TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import type { RunCommand } from './commands.js';
import type { RunEvent } from './event.js';
import { newRun, type Run } from './run.js';
import { transition } from './transition.js';

export const hash = (letter: string) => letter.repeat(64);

export const LIMITS = { min: 1, max: 4, microbatches: 8, keep: 2, keepAtEnd: 0, auditEvery: 0 };

function report(step: number, change: Partial<StepReport> = {}): StepReport {
  return {
    step,
    loss: 1,
    counted: 1,
    tokens: 1,
    learningRate: 1,
    gradientNorm: 1,
    attempts: 1,
    startedAt: 0,
    seconds: 0.1,
    ringBytes: 1,
    ringSeconds: 0.01,
    microbatches: 4,
    nonFinite: null,
    ledger: { samples: 1, digest: 1 },
    phases: { compute: 0.08, quantise: 0, send: 0, wait: 0, update: 0 },
    ...change,
  };
}

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/** A run with its recorded commands and a clock. */
export class Scene {
  run: Run;
  /** What the newest event led to. */
  commands: RunCommand[] = [];
  now = 1000;

  constructor(limits: Partial<Run['limits']> = {}) {
    this.run = newRun('j-1', 'mail', { ...LIMITS, ...limits });
    this.feed({ type: 'preparing' });
    this.feed({ type: 'prepared' });
  }

  feed(event: RunEvent): this {
    const { run, commands } = transition(this.run, event, this.now);
    this.run = run;
    this.commands = [...commands];
    return this;
  }
  wait(ms: number): this {
    this.now += ms;
    return this.feed({ type: 'tick' });
  }
  place(...trainers: string[]): this {
    const placed = trainers.map((id) => ({ id, worker: `w${id}`, place: [] }));
    return this.feed({ type: 'placed', trainers: placed });
  }
  say(trainer: string, message: TrainerMessage): this {
    return this.feed({ type: 'message', trainer, message });
  }
  ready(...trainers: string[]): this {
    for (const trainer of trainers)
      this.say(trainer, {
        type: 'ready',
        steps: 100,
        numerics: { cpu: 'zen' },
        parameters: { trained: 1, frozen: 0 },
      });
    return this;
  }
  prepared(
    trainer: string,
    step: number | null = null,
    letter = 'a',
    interrupted: Message<'prepared'>['interrupted'] = null,
  ): this {
    const state = step === null ? null : { step, evaluations: 0, stateHash: hash(letter) };
    const { generation } = this.run;
    return this.say(trainer, {
      type: 'prepared',
      generation,
      endpoint: `tcp://${trainer}`,
      donor: '',
      state,
      interrupted,
    });
  }
  started(trainer: string, generation = this.run.generation, transferSeconds = 0): this {
    const rank = this.rank(trainer);
    const { step } = this.run;
    return this.say(trainer, { type: 'started', generation, rank, step, transferSeconds });
  }
  progress(step: number, change: Partial<StepReport> = {}, trainer = this.first): this {
    const generation = this.run.ring?.generation ?? this.run.generation;
    return this.say(trainer, {
      type: 'progress',
      generation,
      rank: this.rank(trainer),
      steps: [report(step, change)],
      evaluations: [],
    });
  }
  checkpointed(step: number, letter = 'c', trainer = this.first): this {
    const generation = this.run.ring?.generation ?? this.run.generation;
    const position = { step, evaluations: 0, stateHash: hash(letter) };
    const manifest = hash(letter);
    return this.say(trainer, { type: 'checkpointed', generation, position, manifest, seconds: 1 });
  }
  retired(trainer: string, step: number, generation = this.run.generation): this {
    return this.say(trainer, { type: 'retired', generation, step });
  }
  failed(trainer: string, change: Partial<Message<'failed'>> = {}, code = 'RING_PEER_LOST'): this {
    const error = { code, message: 'it broke', remedy: '', detail: null };
    const { step } = this.run;
    const generation = this.run.ring?.generation ?? this.run.generation;
    return this.say(trainer, {
      type: 'failed',
      generation,
      step,
      fatal: false,
      blames: [],
      error,
      ...change,
    });
  }
  exited(trainer: string, signal: string | null = 'SIGSEGV', outOfMemory = false): this {
    const departure = {
      cause: 'exited' as const,
      code: signal === null ? 1 : null,
      signal,
      lastLines: ['boom'],
      rssBytes: null,
      outOfMemory,
    };
    return this.feed({ type: 'gone', trainer, departure });
  }
  lost(trainer: string): this {
    const departure = { cause: 'worker-lost', reason: 'silence' } as const;
    return this.feed({ type: 'gone', trainer, departure });
  }

  /** A ring of these trainers that has made ten steps. */
  running(...trainers: string[]): this {
    const members = trainers.length === 0 ? ['1', '2'] : trainers;
    this.place(...members).ready(...members);
    return this.formed(null, ...members).progress(10);
  }
  /** They all promise the generation that is being formed, and start. */
  formed(step: number | null, ...members: string[]): this {
    for (const member of members) this.prepared(member, step);
    for (const member of members) this.started(member);
    return this;
  }

  rank(trainer: string): number {
    return Math.max(0, this.members.indexOf(trainer));
  }
  get first(): string {
    return this.members[0] ?? '1';
  }
  get members(): string[] {
    return this.run.ring?.members.map((member) => member.trainer) ?? [];
  }
  sent<Type extends TrainerCommand['type']>(type: Type) {
    return this.commands.flatMap((command) =>
      command.type === 'send' && command.command.type === type
        ? [command.command as Extract<TrainerCommand, { type: Type }>]
        : [],
    );
  }
  sentTo(trainer: string): TrainerCommand[] {
    return this.commands.flatMap((command) =>
      command.type === 'send' && command.trainer === trainer ? [command.command] : [],
    );
  }
  get ended(): string[] {
    return this.commands.flatMap((c) => (c.type === 'end' ? [c.trainer] : []));
  }
  get incidents(): string[] {
    return this.commands.flatMap((c) => (c.type === 'report' ? [c.incident.what] : []));
  }
  get recoveries() {
    return this.commands.flatMap((c) => (c.type === 'recovered' ? [c] : []));
  }
}
