import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestApi } from './api.test.fixture.js';
import { loadJobFile } from './job-file.js';
import { jobFile, writeJobFile } from './job-file.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

let api: TestApi;
const home = () => ['--home', api.home];

beforeEach(async () => {
  api = await TestApi.open();
});

afterEach(async () => {
  await api.close();
});

describe('usage', () => {
  it.each([
    [['stauts'], "did you mean 'status'"],
    [['frob'], "unknown command 'frob'\n"],
    [['jobs', '--state', 'gone'], 'succeeded'],
    [['job', 'j', '--spec', '--curve'], '--curve'],
    [['jobs', '--jsno'], '--json'],
    [['up', '--workers', 'abc'], '--workers'],
    [['up', '--workers', '1e1'], '--workers'],
    [['up', '--port', '70000'], '--port'],
    [['wait', 'j', '--timeout', '5'], '--timeout'],
    [['wait'], 'id'],
    [['submit', '/nonexistent.yaml'], '/nonexistent.yaml'],
    [['model', 'shwo', 'x'], 'show'],
    [['job', 'j', '--ledger', '0'], '--ledger'],
    [['submit', '/dev/zero'], 'more than 4 MB'],
    [['wait', 'j', '--timeout', '30d'], '24d'],
    [['wait', 'j', '--timeout', '999999999999h'], '24d'],
    [['prune', '--older-than', '99999999999d'], '99999999999d'],
    [['jobs', '--coordinator', 'nowhere'], 'nowhere'],
    [['jobs', '--coordinator', 'http://192.0.2.1:80'], 'RINGMASTER_TOKEN'],
    [['jobs', '--coordinator', 'http://127.0.0.1:1', '--home', '/tmp'], '--home'],
  ])('%j is refused with exit code 2 and names %s', async (args, named) => {
    const { exit, stdout, stderr } = await ringmaster(args);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toContain(named);
    expect(stderr).toMatch(/^ringmaster: [A-Z_]+: .+\n {2}\S.+\n$/);
  });

  it.each([
    [['frob'], 'ringmaster --help'],
    [['jobs', '--nope'], 'ringmaster jobs --help'],
    [['model', 'show'], 'ringmaster model show --help'],
  ])('of %j is explained by %s', async (args, help) => {
    const { stderr } = await ringmaster(args);
    expect(stderr).toContain(`\n  See what is accepted with: ${help}\n`);
    const npx = await ringmaster(args, { environment: { npm_command: 'exec' } });
    expect(npx.stderr).toContain(`with: npx ${help}\n`);
  });

  it.each(['.', '..'])('%s is the name of nothing', async (name) => {
    for (const verb of ['job', 'cancel', 'logs'])
      expect(await ringmaster([verb, name, ...home()])).toMatchObject({
        exit: 4,
        stdout: '',
        stderr: expect.stringContaining(`'${name}' does not exist`) as string,
      });
  });

  it.each(['a\nb', 'é'])('a token %j is none, which is said', async (token) => {
    const environment = { RINGMASTER_TOKEN: token };
    const { exit, stderr } = await ringmaster(['jobs', ...home()], { environment });
    expect(exit).toBe(2);
    expect(stderr).toContain('RINGMASTER_TOKEN');
  });

  it.each(['utf8', 'utf16le'] as const)('reads a job file of %s with a mark', (encoding) => {
    const path = writeJobFile(api.home, jobFile);
    const spec = loadJobFile(path);
    writeFileSync(path, Buffer.from(`\uFEFF${jobFile}`, encoding));
    expect(loadJobFile(path)).toEqual(spec);
  });

  it('names the nearest key of a job file', async () => {
    const path = writeJobFile(api.home, jobFile.replace('steps:', 'step:'));
    const { exit, stderr } = await ringmaster(['submit', path, ...home()]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/JOB_FILE_UNKNOWN_KEY: .*'step'.*'steps'/);
  });

  it('has help for every verb', async () => {
    const { exit, stdout } = await ringmaster(['--help']);
    expect(exit).toBe(0);
    const verbs = stdout.match(/^ {2}(?!help)[a-z]+(?= )/gm)?.map((verb) => verb.trim()) ?? [];
    expect(verbs).toContain('submit');
    for (const verb of ['submit', 'wait', 'data']) {
      const help = await ringmaster([verb, '--help']);
      expect(help.exit).toBe(0);
      expect(help.stdout).not.toContain('[]');
    }
  });
});

describe('a home that cannot be', () => {
  const named = () => [join(writeJobFile(api.home), 'home'), '/proc/ringmaster'];

  it('is refused by what would write in it', async () => {
    for (const where of named()) {
      for (const verb of [['up'], ['data', 'inspect', join(api.home, 'job.yaml')]]) {
        const { exit, stderr } = await ringmaster([...verb, '--home', where]);
        expect([verb, where, exit]).toEqual([verb, where, 1]);
        expect(stderr).toContain('HOME_NOT_WRITABLE');
      }
    }
  });

  it('is no place for the doctor either', async () => {
    for (const where of [...named(), writeJobFile(api.home)]) {
      const { stdout } = await ringmaster(['doctor', '--json', '--home', where]);
      expect(JSON.parse(stdout)).toContainEqual(
        expect.objectContaining({ check: 'home', state: 'fail' }),
      );
    }
  });

  it('is named by the remedy when nothing runs there', async () => {
    const empty = join(api.home, 'empty');
    const { exit, stderr } = await ringmaster(['jobs', '--home', empty]);
    expect(exit).toBe(3);
    expect(stderr).toContain(`No coordinator runs on ${empty}\n`);
    expect(stderr).toContain(`ringmaster up --home ${empty}\n`);
  });
});

describe('generate', () => {
  it.each([
    [[], '--prompt'],
    [['--prompt', 'a', '--temperature', '-1'], 'a number from 0'],
    [['--prompt', 'a', '--top-p', '1.5'], 'at most 1'],
    [['--prompt', 'a', '--beams', '2', '--temperature', '1'], 'draws nothing'],
    [['--prompt', 'a', '--system', 'b'], '--system goes with --chat'],
    [['--prompt', 'a', '--messages', 'b.json'], 'takes the place'],
    [['--messages', 'none.json'], '--messages none.json cannot be read: it does not exist'],
  ])('with %j says what is wrong', async (args, said) => {
    const { exit, stderr } = await ringmaster(['generate', 'm', ...args, ...home()]);
    expect(exit).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe('predict', () => {
  it.each(['directory', 'nothing'])('refuses an input that is a %s', async (what) => {
    const input = what === 'directory' ? api.home : join(api.home, what);
    const { exit, stderr } = await ringmaster(['predict', 'm', '--input', input, ...home()]);
    expect(exit).toBe(2);
    expect(stderr).toContain(`USAGE: --input ${input} cannot be read: it `);
  });
});

describe('vectors', () => {
  it('are read from a file, without a cluster', async () => {
    const path = join(api.home, 'vectors.txt');
    writeFileSync(path, 'king 1 0\nqueen 1 0.1\nfar -1 0\n');
    const { exit, stdout } = await ringmaster(['vectors', 'neighbours', path, 'king', '--json']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { word: 'king', neighbours: [{ word: 'queen' }, { word: 'far', similarity: -1 }] },
    ]);
  });

  it.each([
    [['neighbours', './none.txt', 'king'], 'it does not exist'],
    [['convert', './none.txt', 'x', '--to', 'fasttext'], 'word2vec-binary'],
    [['neighbours', './none.txt'], 'words'],
  ])('with %j say what is wrong', async (args, said) => {
    const { exit, stderr } = await ringmaster(['vectors', ...args]);
    expect(exit).toBe(2);
    expect(stderr).toContain(said);
  });
});
