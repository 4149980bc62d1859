import { SharedArena } from '@ringmaster/allreduce';
import { algorithmOf, Layout, State, stateHash } from '@ringmaster/model';
import { parseJobSpec, type Launch } from '@ringmaster/protocol';
import { artifactsFrom } from '../../artifacts/artifacts.js';
import type { ArtifactsSource } from '../../artifacts/types.js';
import type { Subject } from './subject.js';

const hash = (digit: number) => String(digit).repeat(64);

const launch: Launch = {
  trainer: 't',
  job: 'j',
  spec: parseJobSpec({
    kind: 'pretrain',
    name: 'tiny',
    model: { architecture: 'bert', layers: 1, hidden: 8, heads: 1, context: 8 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    data: { corpus: 'spam-assassin' },
    objective: 'masked-language-model',
    batch: { sequences: 8, microbatches: 8 },
    optimizer: { learningRate: 1e-3 },
    steps: 10,
  }),
  dataManifest: hash(1),
  baseManifest: null,
  specHash: hash(2),
};

/** A state in shared memory without a model, which checkpoints are made of and loaded into. */
export class TestSubject implements Subject {
  readonly loaded: Subject['loaded'];
  readonly state: State;
  isInitialised = false;
  #beforeChange: () => void = () => undefined;

  /** @param parameters Their number; a state takes 12 bytes for each. */
  constructor(source: ArtifactsSource, parameters: number) {
    this.loaded = {
      launch,
      task: { name: 'masked-language-model', labels: null },
      artifacts: artifactsFrom(source),
    };
    const layout = Layout.of([{ name: 'weight', shape: [parameters], group: 'decay' }]);
    const { moments } = algorithmOf(launch.spec.optimizer);
    const options = { moments };
    const bytes = State.byteLength(layout, options);
    const memory = SharedArena.create(bytes + 4096);
    this.state = State.create(memory.memory, memory.allocate(bytes), layout, options);
  }

  get step(): number {
    return this.state.counters.step;
  }

  get evaluations(): number {
    return this.state.counters.evaluations;
  }

  get stateHash(): string {
    return stateHash(this.state);
  }

  /** A state that the step alone determines. */
  goTo(step: number): this {
    this.replace(() => {
      this.state.counters = { ...this.state.counters, step };
      const { parameters } = this.state;
      for (let at = 0; at < parameters.length; at++) parameters[at] = Math.sin(at + 31 * step);
    });
    return this;
  }

  beforeChange(listener: () => void): void {
    this.#beforeChange = listener;
  }

  forget(): void {
    this.#beforeChange();
    this.isInitialised = false;
  }

  replace(change: () => void): void {
    this.forget();
    change();
    this.isInitialised = true;
  }
}
