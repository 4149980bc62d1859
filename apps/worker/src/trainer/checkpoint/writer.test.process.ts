import { pino } from 'pino';
import type { ArtifactsSource } from '../../artifacts/types.js';
import { TestSubject } from './subject.test.fixture.js';
import { CheckpointWriter } from './writer.js';

/** Writes one checkpoint after the other, of different states, until it is killed. */
const { source, parameters, step } = JSON.parse(process.argv[2] ?? '') as {
  source: ArtifactsSource;
  parameters: number;
  step: number;
};
const subject = new TestSubject(source, parameters);
const send = (message: unknown) => process.send?.(message);
const writer = new CheckpointWriter(subject, send, pino({ level: 'silent' }));
for (let at = step; ; at++) {
  subject.goTo(at);
  await writer.save(1);
}
