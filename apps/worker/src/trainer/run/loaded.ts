import type { Dataset } from '@ringmaster/data';
import type { Model } from '@ringmaster/model';
import type { Launch } from '@ringmaster/protocol';
import type { BoundTask } from '@ringmaster/tasks';
import type { Runtime } from '@ringmaster/tensorflow';
import type { Artifacts } from '../../artifacts/types.js';
import type { Frozen } from './frozen.js';

/** What a launch names, in the memory of this process: none of it changes while the run is trained. */
export interface Loaded {
  readonly launch: Launch;
  readonly artifacts: Artifacts;
  readonly runtime: Runtime;
  /** TensorFlow's side of the model. Its weights follow the state. */
  readonly model: Model;
  readonly dataset: Dataset;
  readonly task: BoundTask;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly frozen: Frozen;
  /** Makes the values of the trained parameters at step 0, by name. They take much memory and are hardly ever needed twice. */
  readonly initialValues: () => Promise<(name: string) => Float32Array>;
}
