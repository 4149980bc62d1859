import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BlobStore } from '@ringmaster/data';
import { parseJobSpec, sha256, type ModelView } from '@ringmaster/protocol';
import { tinyModelFiles } from '@ringmaster/tasks/testing';
import { eventually, isAlive, withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { BackgroundWork } from './background-work.js';
import { pretrainSpec, smallCorpus } from './fixtures/job-files.test.fixture.js';
import { lonePreparations } from './fixtures/preparations.test.fixture.js';
import { inScene, withScene } from './fixtures/scene.test.fixture.js';

const NOTHING = sha256('');

/** Opens a pipe for writing once somebody reads it. */
const openForReader = (pipe: string) =>
  eventually('a reader', () => {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return null;
    }
  });

describe('a coordinator that has ended', () => {
  it('has carried out the requests that it had begun, though their clients are gone', () =>
    inScene(async ({ coordinator, client, home }) => {
      const blobs = new BlobStore(join(home, 'artifacts'));
      // A file on a disk that is as slow as this test says: its bytes end when the pipe does.
      const slow = blobs.path(NOTHING);
      mkdirSync(dirname(slow), { recursive: true });
      execFileSync('mkfifo', [slow]);
      const files: Record<string, { sha256: string; bytes: number }> = {
        'vocab.txt': { sha256: NOTHING, bytes: 0 },
      };
      for (const [name, content] of Object.entries(await tinyModelFiles()))
        files[name] = await blobs.putBytes(Buffer.from(content));
      const manifest = {
        format: 1,
        kind: 'model',
        job: null,
        name: 'slow',
        step: 0,
        evaluations: 0,
        stateHash: NOTHING,
        specHash: NOTHING,
        dataManifest: NOTHING,
        baseManifest: null,
        task: 'masked-language-model',
        labels: null,
        metrics: {},
        files,
      };
      const { sha256: id } = await blobs.putBytes(Buffer.from(JSON.stringify(manifest)));
      const registered = client.json('POST', '/v1/models', { manifest: id }).catch(() => 'gone');
      const writer = await openForReader(slow);
      let hasEnded = false;
      const ending = coordinator.shutDown(0).then(() => {
        hasEnded = true;
      });
      expect(await registered).toBe('gone');
      expect(hasEnded).toBe(false);
      closeSync(writer);
      await ending;
      await withScene(home, async (again) => {
        expect(await again.client.json<ModelView[]>('GET', '/v1/models')).toMatchObject([{ id }]);
      });
    }));

  it('has no process left that prepares data', () =>
    withTemporaryDirectory(async (home) => {
      const background = new BackgroundWork();
      const preparations = lonePreparations(background);
      const children = () =>
        readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
      const others = children();
      preparations.start(
        'j',
        {
          spec: parseJobSpec(pretrainSpec(await smallCorpus(home))),
          base: null,
          roots: null,
          artifacts: join(home, 'artifacts'),
          index: join(home, 'data'),
        },
        () => undefined,
      );
      const [child = ''] = children().filter((pid) => !others.includes(pid));
      expect(isAlive(Number(child))).toBe(true);
      preparations.stop('j', true);
      expect(isAlive(Number(child))).toBe(true);
      preparations.warm();
      const [spare = ''] = children().filter((pid) => ![...others, child].includes(pid));
      expect(isAlive(Number(spare))).toBe(true);
      await background.close();
      expect(isAlive(Number(child))).toBe(false);
      expect(isAlive(Number(spare))).toBe(false);
    }));
});
