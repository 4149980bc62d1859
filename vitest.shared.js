import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

// Tests run as compiled: worker threads and child processes then load the same files as in production. What was compiled
// from a source that is gone stays in `dist`, so the sources say which tests there are.
const tests = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => `dist/${path.slice(0, -'.ts'.length)}.js`);

export default defineConfig({
  test: {
    include: tests,
    // No test asserts a time: a limit is for what hangs, on a machine however busy.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    // Node loads what is compiled, as it does in production; only the test itself goes through Vite.
    server: { deps: { external: [/\/dist\//] } },
    // Files share a process: TensorFlow is loaded once for many.
    isolate: false,
  },
});
