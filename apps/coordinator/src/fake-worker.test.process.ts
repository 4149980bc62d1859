// A fake worker in a process of its own, to be stopped and killed: node fake-worker.test.process.js CONTROL
import { FakeWorker } from './worker.test.fixture.js';

const [, , control] = process.argv;
if (control === undefined) throw new Error('CONTROL is missing');
new FakeWorker({ control, pid: process.pid, steps: 200, stepMs: 20 });
