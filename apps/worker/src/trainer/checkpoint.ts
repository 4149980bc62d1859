import { readFile } from 'node:fs/promises';
import { RingmasterError, sha256, type TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { putManifest, readManifest } from '../artifacts/artifacts.js';
import { manifestOf } from './manifest.js';
import type { Run } from './run.js';

const STATE_FILE = 'state.bin';
const HEADER_FILE = 'state.json';

/**
 * Writes checkpoints beside the step loop: a state is copied between two steps, and the copy is made durable while the
 * next steps run. A checkpoint that cannot be written costs a warning, never the run.
 */
export class CheckpointWriter {
  readonly #run: Run;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: Logger;
  #writing: Promise<void> | null = null;

  constructor(run: Run, send: (message: TrainerMessage) => void, log: Logger) {
    this.#run = run;
    this.#send = send;
    this.#log = log;
  }

  /** Begins a checkpoint of the present state; passed over while the one before is still being written. */
  write(generation: number): void {
    const { step, state } = this.#run;
    if (this.#writing !== null) {
      this.#log.warn(
        { step },
        'the checkpoint before is still being written; this one is passed over',
      );
      return;
    }
    const bytes = Uint8Array.from(state.bytes);
    const header = state.header();
    const stateHash = this.#run.stateHash();
    this.#writing = this.#store(bytes, header, step, stateHash)
      .then((manifest) => {
        this.#send({ type: 'checkpointed', generation, step, stateHash, manifest });
      })
      .catch((error: unknown) => {
        this.#log.warn(
          { step, err: error },
          'the checkpoint could not be written; training goes on',
        );
      })
      .finally(() => {
        this.#writing = null;
      });
  }

  /** Resolves when no checkpoint is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #store(
    bytes: Uint8Array,
    header: string,
    step: number,
    stateHash: string,
  ): Promise<string> {
    const { artifacts } = this.#run;
    const files = {
      [STATE_FILE]: { sha256: await artifacts.put(bytes), bytes: bytes.byteLength },
      [HEADER_FILE]: {
        sha256: await artifacts.put(Buffer.from(header)),
        bytes: Buffer.byteLength(header),
      },
    };
    const manifest = { ...manifestOf(this.#run, 'checkpoint'), step, stateHash, files };
    return putManifest(artifacts, manifest);
  }
}

/**
 * Replaces the state by a checkpoint's.
 * @throws CHECKPOINT_DAMAGED; the state is then as it was.
 */
export async function loadCheckpoint(run: Run, id: string): Promise<void> {
  const damaged = (reason: string) =>
    new RingmasterError('CHECKPOINT_DAMAGED', { manifest: id, reason });
  const manifest = await readManifest(run.artifacts, id);
  if (manifest.specHash !== run.launch.specHash)
    throw damaged('it belongs to another specification');
  const read = async (name: string) => {
    const file = manifest.files[name];
    if (file === undefined) throw damaged(`it has no ${name}`);
    const content = await readFile(await run.artifacts.fetch(file.sha256));
    if (sha256(content) !== file.sha256) throw damaged(`${name} does not have its hash`);
    return content;
  };
  const bytes = await read(STATE_FILE);
  const header = (await read(HEADER_FILE)).toString();
  const { state } = run;
  if (bytes.byteLength !== state.bytes.byteLength)
    throw damaged('it has another size than the state');
  const before = state.bytes.slice();
  state.bytes.set(bytes);
  try {
    state.readHeader(header);
  } catch (cause) {
    state.bytes.set(before);
    throw damaged(cause instanceof Error ? cause.message : String(cause));
  }
  run.adopt();
}
