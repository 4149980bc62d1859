import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { coordinatorFileSchema } from '@ringmaster/protocol';

const main = fileURLToPath(new URL('../../../apps/coordinator/dist/main.js', import.meta.url));
const POLL_MS = 50;

/** What a coordinator says of its API: a real one, which runs for as long as the question takes. */
export async function readOpenApi(): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), 'ringmaster-reference-'));
  const coordinator = spawn(process.execPath, [main, '--home', home], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(coordinator, 'exit');
  try {
    let url: string | null = null;
    while (url === null && coordinator.exitCode === null) {
      await sleep(POLL_MS);
      url = urlIn(join(home, 'coordinator.json'));
    }
    const response = await fetch(`${url ?? ''}/openapi.json`);
    return await response.json();
  } finally {
    coordinator.kill('SIGTERM');
    await exited;
    await rm(home, { recursive: true, force: true });
  }
}

function urlIn(path: string): string | null {
  try {
    return coordinatorFileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).url;
  } catch {
    return null; // It is not written yet.
  }
}
