import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for inputs that are files. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), 'ringmaster-fuzz-'));

  /** Path of a file with this content. */
  file(name: string, content: Uint8Array): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}
