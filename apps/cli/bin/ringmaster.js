#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/ringmaster.js', import.meta.url);
if (existsSync(program)) {
  await import(program);
} else {
  process.stderr.write(
    'ringmaster: this clone is not built yet\n  Build it with: npm run bootstrap\n',
  );
  process.exitCode = 1;
}
