import { defineConfig } from 'vitest/config';

// Tests run as compiled: worker threads and child processes then load the same files as in production.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
  },
});
