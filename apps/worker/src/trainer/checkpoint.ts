import { readFile } from 'node:fs/promises';
import {
  RingmasterError,
  sha256,
  type ArtifactManifest,
  type TrainerMessage,
} from '@ringmaster/protocol';
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
    const position = this.#run.position();
    const { stateHash } = position;
    const started = performance.now();
    this.#writing = this.#store(bytes, header, manifestOf(this.#run, 'checkpoint', stateHash))
      .then((manifest) => {
        const seconds = (performance.now() - started) / 1000;
        this.#send({ type: 'checkpointed', generation, position, manifest, seconds });
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

  async #store(bytes: Uint8Array, header: string, manifest: ArtifactManifest): Promise<string> {
    const { artifacts } = this.#run;
    const files = {
      [STATE_FILE]: { sha256: await artifacts.put(bytes), bytes: bytes.byteLength },
      [HEADER_FILE]: {
        sha256: await artifacts.put(Buffer.from(header)),
        bytes: Buffer.byteLength(header),
      },
    };
    return putManifest(artifacts, { ...manifest, files });
  }
}

/** What another checkpoint would not mend: the way to the artifacts, or room for them here. */
const notItsFault: readonly string[] = ['COORDINATOR_UNREACHABLE', 'DISK_FULL'];

/**
 * Replaces the state by a checkpoint's.
 * @throws CHECKPOINT_DAMAGED, and the run has no state until another is loaded; COORDINATOR_UNREACHABLE, DISK_FULL
 */
export async function loadCheckpoint(run: Run, id: string): Promise<void> {
  try {
    await load(run, id);
  } catch (cause) {
    const known = cause instanceof RingmasterError ? (cause as RingmasterError).code : '';
    if (known === 'CHECKPOINT_DAMAGED' || notItsFault.includes(known)) throw cause;
    throw damaged(id, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function load(run: Run, id: string): Promise<void> {
  const manifest = await readManifest(run.artifacts, id);
  if (manifest.specHash !== run.launch.specHash) {
    throw damaged(id, 'it belongs to another specification');
  }
  const bytes = await readFileOf(run, manifest, id, STATE_FILE);
  const header = await readFileOf(run, manifest, id, HEADER_FILE);
  const { state } = run;
  if (bytes.byteLength !== state.bytes.byteLength) {
    throw damaged(id, 'it has another size than the state');
  }
  run.replace(() => {
    state.bytes.set(bytes);
    state.readHeader(header.toString());
    if (run.stateHash() !== manifest.stateHash) {
      throw damaged(id, 'its content is not the state that it names');
    }
  });
}

async function readFileOf(run: Run, manifest: ArtifactManifest, id: string, name: string) {
  const file = manifest.files[name];
  if (file === undefined) throw damaged(id, `it has no ${name}`);
  const content = await readFile(await run.artifacts.fetch(file.sha256));
  if (sha256(content) !== file.sha256) throw damaged(id, `${name} does not have its hash`);
  return content;
}

function damaged(manifest: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('CHECKPOINT_DAMAGED', { manifest, reason }, { cause });
}
