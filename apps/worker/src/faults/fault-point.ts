import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '@ringmaster/base';
import {
  faultSchema,
  FAULTS_VARIABLE,
  type Fault,
  type FaultAction,
  type FaultPoint,
} from './fault.js';

interface Place {
  /** Steps applied. */
  readonly step: number;
}

const directory = process.env[FAULTS_VARIABLE];
const passed = new Map<FaultPoint, number>();

/** A place where a test may make this trainer fail. Without the variable it is an empty function. */
export const faultPoint: (point: FaultPoint, place: Place, memory?: ArrayBufferView) => void =
  directory === undefined
    ? () => undefined
    : (point, place, memory) => {
        const file = join(directory, `${point}.json`);
        const armed = readFault(file);
        if (armed === null) return;
        const { action, fromStep, passes } = armed;
        if (place.step < fromStep) return;
        const before = passed.get(point) ?? 0;
        passed.set(point, before + 1);
        if (before < passes) return;
        passed.delete(point);
        if (action.type === 'pace' || take(file)) happen(action, point, memory);
      };

/** Counts passes anew: what is armed counts those of one run. */
export function forgetPasses(): void {
  passed.clear();
}

/** Where others should connect to instead of `endpoint`: at the harness's proxy, when it runs one. */
export async function advertised(endpoint: string): Promise<string> {
  const file = directory === undefined ? null : join(directory, 'proxy');
  if (file === null || !existsSync(file) || !endpoint.startsWith('tcp:')) return endpoint;
  const response = await fetch(readFileSync(file, 'utf8'), { method: 'POST', body: endpoint });
  return response.text();
}

/** What is armed. Null when nothing is, or not any more. */
function readFault(file: string): Fault | null {
  try {
    return faultSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Takes a fault, unless another trainer has been faster. */
function take(file: string): boolean {
  try {
    renameSync(file, `${file}.taken`);
    return true;
  } catch {
    return false;
  }
}

function happen(action: FaultAction, point: FaultPoint, memory?: ArrayBufferView): void {
  switch (action.type) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      break;
    case 'exit':
      return process.exit(1);
    case 'throw':
      throw new Error(`a test made ${point} fail`);
    case 'delay':
    case 'pace':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, action.milliseconds);
      break;
    case 'flip': {
      if (memory === undefined) throw new Error(`there is nothing to flip at ${point}`);
      const bytes = new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength);
      const at = (action.bit >> 3) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (action.bit & 7));
    }
  }
}
