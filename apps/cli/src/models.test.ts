import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@ringmaster/model';
import { modelViewSchema } from '@ringmaster/protocol';
import { writeTinyModel } from '@ringmaster/tasks/testing';
import { eventually } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ringmaster } from './run.test.fixture.js';

const main = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));
let root: string;
const cluster = (...args: string[]) => ringmaster([...args, '--home', join(root, 'home')]);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ringmaster-models-'));
  expect((await cluster('up', '--workers', '0')).exit).toBe(0);
});

afterAll(async () => {
  await cluster('down');
  rmSync(root, { recursive: true });
});

/** Settles when a process has started another, and listens for SIGHUP (the first bit of the signals that it catches). */
async function whenItHasAChild(pid: number): Promise<void> {
  await eventually('a process that it has started', () => {
    const [, caught = '0'] =
      /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return (BigInt(`0x${caught}`) & 1n) === 1n && children !== '';
  });
}

describe('models', () => {
  it('come back as they were after an export and an import', async () => {
    const source = join(root, 'imported');
    await writeTinyModel(source, 'classifier');
    const { stdout: id } = await cluster('model', 'import', source);
    const shown = await cluster('model', 'show', 'imported', '--json');
    const view = modelViewSchema.parse(JSON.parse(shown.stdout));
    expect(view).toMatchObject({ id: id.trim(), name: 'imported', task: 'text-classification' });
    expect(view.manifest.labels).toEqual(['ham', 'spam']);

    const target = join(root, 'exported');
    expect((await cluster('model', 'export', 'imported', target)).exit).toBe(0);
    for (const name of readdirSync(source)) {
      expect(readFileSync(join(target, name))).toEqual(readFileSync(join(source, name)));
    }
    expect((await cluster('model', 'export', 'imported', target)).exit).toBe(1);
    const note = join(root, 'note');
    writeFileSync(note, 'mine');
    for (const [path, code] of [
      [note, 'DIRECTORY_EXISTS'],
      [join(note, 'below'), 'DIRECTORY_NOT_WRITABLE'],
      ['/proc/ringmaster', 'DIRECTORY_NOT_WRITABLE'],
    ] as const) {
      const { exit, stderr } = await cluster('model', 'export', 'imported', path);
      expect(exit).toBe(1);
      expect(stderr).toContain(code);
    }
    expect(readFileSync(note, 'utf8')).toBe('mine');
    rmSync(note);
    mkdirSync(join(root, 'empty'));
    expect((await cluster('model', 'export', 'imported', join(root, 'empty'))).exit).toBe(0);
    expect(readdirSync(join(root, 'empty'))).toContain('model.safetensors');
    rmSync(join(root, 'empty'), { recursive: true });
    expect(readdirSync(root).sort()).toEqual(['exported', 'home', 'imported']);

    expect((await cluster('model', 'remove', 'imported')).exit).toBe(0);
    expect((await cluster('model', 'show', 'imported')).exit).toBe(4);
    expect((await cluster('model', 'import', target)).stdout).toBe(id);
    const renamed = await cluster('model', 'import', target, '--name', 'renamed');
    expect(renamed.stdout).not.toBe(id);
    const list = await cluster('models', '--json');
    const models = modelViewSchema.array().parse(JSON.parse(list.stdout));
    expect(models.map(({ name }) => name)).toEqual(['renamed', 'imported']);
  });

  it('are served until a signal asks the command to end', async () => {
    const source = join(root, 'served');
    await writeTinyModel(source, 'causal');
    const args = ['serve', source, '--port', '0', '--json', '--home', join(root, 'home')];
    const { exit, stdout } = await ringmaster(args, {
      onOutput: (all, child) => {
        if (all.includes('"url"')) child.kill('SIGTERM');
      },
    });
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model: 'served' });
  });

  it('are not served once a signal has asked the command to end while they were loaded', async () => {
    const source = join(root, 'served');
    await writeTinyModel(source, 'causal');
    const args = ['serve', source, '--port', '0', '--home', join(root, 'home')];
    const outcome = await ringmaster(args, {
      onStart: (child) => void whenItHasAChild(child.pid!).then(() => child.kill('SIGTERM')),
    });
    expect(outcome).toMatchObject({ exit: 0, stdout: '' });
    expect(outcome.stderr).not.toContain('PREDICTION_DIED');
  });

  it('are served after their terminal, by a script that ignores that it is closed', async () => {
    const source = join(root, 'served');
    await writeTinyModel(source, 'causal');
    const command = `'${process.execPath}' '${main}' serve '${source}' --port 0 --home '${join(root, 'home')}'`;
    const script = spawn('sh', ['-c', `trap '' HUP; ${command}; exit $?`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    onTestFinished(() => {
      if (script.exitCode === null && script.signalCode === null)
        process.kill(-script.pid!, 'SIGKILL');
    });
    const [line] = (await once(createInterface(script.stdout), 'line')) as [string];
    const health = line.replace(/v1$/, 'health');
    process.kill(-script.pid!, 'SIGHUP');
    await setTimeout(500);
    expect((await fetch(health)).status).toBe(200);
    const closed = once(script, 'close');
    process.kill(-script.pid!, 'SIGINT');
    await closed;
    await expect(fetch(health)).rejects.toThrow();
  });

  it('that transformers does not know are exported in a layout of their own alone', async () => {
    const source = join(root, 'baseline');
    const target = join(root, 'own');
    await writeTinyModel(source, 'baseline');
    const { stdout: id } = await cluster('model', 'import', source);
    const refused = await cluster('model', 'export', 'baseline', target);
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain('MODEL_NOT_IN_TRANSFORMERS');
    expect(refused.stderr).toContain('lstm');
    expect(refused.stderr).toContain('--own-layout');
    const written = await cluster('model', 'export', 'baseline', target, '--own-layout');
    expect(written.exit).toBe(0);
    const config = JSON.parse(readFileSync(join(target, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ model_type: 'ringmaster-lstm', units: 4 });
    expect((await cluster('model', 'import', target, '--name', 'baseline')).stdout).toBe(id);
    const text = join(root, 'text');
    writeFileSync(text, '{"text":"red cats"}\n');
    const predicted = await cluster('predict', 'baseline', '--input', text);
    expect(predicted.exit).toBe(0);
    expect(JSON.parse(predicted.stdout)).toMatchObject({ scores: { ham: 0.5, spam: 0.5 } });
    for (const path of [source, target, text]) rmSync(path, { recursive: true });
    await cluster('model', 'remove', 'baseline');
  });

  it('are made of a base and adapters alone, which are exported as they came', async () => {
    const [base, adapter, target] = ['plain', 'adapter', 'peft'].map((name) => join(root, name));
    const query = 'base_model.model.bert.encoder.layer.0.attention.self.query';
    const write = (module: string) =>
      writeSafetensors(join(adapter!, 'adapter_model.safetensors'), [
        {
          name: `${module}.lora_A.weight`,
          shape: [2, 8],
          data: () => new Float32Array(16).fill(1),
        },
        {
          name: `${module}.lora_B.weight`,
          shape: [8, 2],
          data: () => new Float32Array(16).fill(1),
        },
      ]);
    await writeTinyModel(base!, 'masked');
    mkdirSync(adapter!);
    const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, base_model_name_or_path: 'hub/plain' };
    writeFileSync(join(adapter!, 'adapter_config.json'), JSON.stringify(config));
    const importing = () => cluster('model', 'import', adapter!, '--base', 'plain');
    expect((await importing()).stderr).toContain('it has no adapter_model.safetensors');
    await write(query);
    expect((await importing()).exit).toBe(4);
    const { stdout: id } = await cluster('model', 'import', base!);
    const alone = await cluster('model', 'import', adapter!);
    expect(alone.stderr).toMatch(/an adapter alone, of hub\/plain.*--base/);
    const imported = await importing();
    expect(imported.exit).toBe(0);
    const shown = await cluster('model', 'show', 'adapter', '--json');
    const { manifest } = modelViewSchema.parse(JSON.parse(shown.stdout));
    expect(manifest).toMatchObject({ baseManifest: id.trim(), task: 'masked-language-model' });
    expect((await cluster('model', 'export', 'adapter', target!, '--adapter')).exit).toBe(0);
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      expect(readFileSync(join(target!, name))).toEqual(readFileSync(join(adapter!, name)));

    const again = await cluster('model', 'import', adapter!, '--base', 'adapter');
    expect(again.stderr).toContain('MODEL_UNUSABLE');
    expect(again.stderr).toContain('it has adapters itself');
    await write(query.replace('query', 'querry'));
    const wrong = await importing();
    expect(wrong.exit).toBe(2);
    expect(wrong.stderr).toContain('self.querry.lora_A.weight');
    const whole = await cluster('model', 'import', base!, '--base', 'plain');
    expect(whole.stderr).toContain('import it without --base');
    for (const path of [base!, adapter!, target!]) rmSync(path, { recursive: true });
    for (const name of ['adapter', 'plain']) await cluster('model', 'remove', name);
  });

  it('are refused when they are not whole', async () => {
    const source = join(root, 'incomplete');
    mkdirSync(source);
    writeFileSync(join(source, 'config.json'), '{}');
    const { exit, stderr } = await cluster('model', 'import', source);
    expect(exit).toBe(2);
    expect(stderr).toContain('it has no tokenizer.json');
  });

  it.each([
    ['a Git LFS pointer', 'SAFETENSORS_INVALID', 'git lfs pull'],
    ['cut', 'SAFETENSORS_INVALID', 'model.safetensors'],
    ['of another family', 'MODEL_CONFIG_UNSUPPORTED', 'supported are BertModel,'],
    ['with another activation', 'MODEL_CONFIG_UNSUPPORTED', 'hidden_act is "relu"'],
    ['with a damaged tokenizer', 'TOKENIZER_INVALID', 'tokenizer.json'],
  ])('%s are refused, and nothing of them is taken', async (how, code, said) => {
    const source = join(root, 'refused');
    await writeTinyModel(source);
    const weights = join(source, 'model.safetensors');
    const config = join(source, 'config.json');
    if (how === 'a Git LFS pointer')
      writeFileSync(weights, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n');
    if (how === 'cut') truncateSync(weights, 1000);
    if (how === 'of another family') writeFileSync(config, '{"model_type":"mamba"}');
    if (how === 'with another activation') {
      const json = JSON.parse(readFileSync(config, 'utf8')) as object;
      writeFileSync(config, JSON.stringify({ ...json, hidden_act: 'relu' }));
    }
    if (how === 'with a damaged tokenizer') truncateSync(join(source, 'tokenizer.json'), 100);
    const { exit, stderr } = await cluster('model', 'import', source);
    expect(exit).toBe(2);
    expect(stderr).toContain(code);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('uploading');
    rmSync(source, { recursive: true });
  });

  it('are found by what the list prints, by every verb', async () => {
    const source = join(root, 'short');
    await writeTinyModel(source);
    const { stdout } = await cluster('model', 'import', source);
    const list = await cluster('models');
    const [short = ''] = /^[0-9a-f]{12}(?= +short )/m.exec(list.stdout) ?? [];
    expect(stdout.startsWith(short)).toBe(true);
    const shown = await cluster('model', 'show', short, '--json');
    expect(modelViewSchema.parse(JSON.parse(shown.stdout)).id).toBe(stdout.trim());
    expect((await cluster('model', 'export', short, join(root, 'out'))).exit).toBe(0);
    expect((await cluster('model', 'remove', short)).exit).toBe(0);
    expect((await cluster('model', 'show', short)).exit).toBe(4);
    rmSync(source, { recursive: true });
    rmSync(join(root, 'out'), { recursive: true });
  });

  it('predict nothing when they do not exist', async () => {
    expect((await cluster('predict', 'nobody')).exit).toBe(4);
    expect((await cluster('predict', 'nobody', '--input', '/nonexistent')).exit).toBe(2);
  });
});

describe('data', () => {
  it('is told as it is prepared: what was read, dropped and split', async () => {
    const lines = Array.from(
      { length: 40 },
      (_, index) => `line ${index} of ${index * 7919} words`,
    );
    writeFileSync(join(root, 'a.txt'), [...lines, ...lines.slice(0, 3)].join('\n'));
    const job = join(root, 'job.yaml');
    writeFileSync(
      job,
      `
kind: pretrain
name: tiny
model: { architecture: gpt, layers: 1, hidden: 8, heads: 1, context: 8 }
tokenizer: { algorithm: bpe, vocabulary: 300 }
data: { files: "*.txt", format: lines, validation: 0.2 }
objective: causal-language-model
batch: { sequences: 4, microbatches: 4 }
optimizer: { learningRate: 1e-3 }
steps: 10
`,
    );
    const prepared = await cluster('data', 'prepare', job);
    expect(prepared.exit).toBe(0);
    const { stdout } = await cluster('data', 'inspect', job, '--json', '--samples', '2');
    const inspected = JSON.parse(stdout) as {
      sha256: string;
      manifest: { statistics: { read: number; dropped: Record<string, number> } };
      samples: { text: string }[];
    };
    expect(inspected.sha256).toBe(prepared.stdout.trim());
    expect(inspected.manifest.statistics.read).toBe(43);
    expect(inspected.samples).toHaveLength(2);
    for (const { text } of inspected.samples) expect(lines).toContain(text);
    const text = await cluster('data', 'inspect', job);
    expect(text.stdout).toMatch(/dropped +\d+ exact-duplicate/);
    expect(text.stdout).toMatch(/bytes a token +\d+\.\d\d/);
    expect(text.stdout).toMatch(/unknown tokens +0, 0\.0 %/);
    expect(text.stdout).toMatch(/TOKENS +TRAIN +VALIDATION +TEST/);
    const byId = await cluster('data', 'inspect', inspected.sha256.slice(0, 12));
    expect(byId.stdout).toBe(text.stdout);
    expect((await cluster('data', 'inspect', '0123456789')).exit).toBe(4);
    const filter = 'data.cleaning=[default, {length: {maximum: 22}}]';
    const cleaned = await cluster('data', 'inspect', job, '--set', filter);
    expect(cleaned.stdout).toMatch(/length: dropped \d+\n  \S+ line \d+: "/);
    const misspelt = await cluster('data', 'inspect', job, '--set', 'data.cleaning=[emails]');
    expect(misspelt.stderr).toContain("'data.cleaning.0' is invalid: must be 'default'");
    const missing = await cluster('data', 'inspect', job, '--set', 'data.files=none/*.txt');
    expect(missing.exit).toBe(2);
  });
});

describe('a job that names what is not there, or cannot be used', () => {
  const finetune = (base: string, rest: string) => {
    const path = join(root, 'tune.yaml');
    const lines = ['kind: finetune', 'name: tuned', 'task: text-classification', `base: ${base}`];
    const settings = ['optimizer: { learningRate: 1e-3 }', 'epochs: 1', rest];
    writeFileSync(path, [...lines, ...settings].join('\n'));
    return path;
  };

  it.each([
    ['classifier', 'data: { files: gone.csv, test: 0.2 }', 'DATA_NO_FILES'],
    ['classifier', 'data: { files: rows.csv, test: "more/*.csv" }', 'DATA_NO_FILES'],
    ['classifier', 'data: { files: rows.csv, test: 0.2 }\nafter: [nobody]', 'JOB_DEPENDENCY'],
    ['nobody', 'data: { files: rows.csv, test: 0.2 }', 'JOB_DEPENDENCY'],
    ['causal', 'data: { files: rows.csv, test: 0.2 }', 'MODEL_UNUSABLE'],
    ['classifier', 'data: { files: rows.csv, test: 0.2 }', null],
  ])('(base %s, %s) is answered with %s, dry or not', async (base, rest, code) => {
    writeFileSync(join(root, 'rows.csv'), 'text,label\na,b\n');
    for (const kind of ['classifier', 'causal'] as const) {
      await writeTinyModel(join(root, kind), kind);
      await cluster('model', 'import', join(root, kind));
    }
    const path = finetune(base, rest);
    const dry = await cluster('submit', path, '--dry-run');
    expect(dry.exit).toBe(code === null ? 0 : 2);
    if (code === null) expect(dry.stderr).toMatch(/^It would start from model [0-9a-f]{12}\.$/m);
    else {
      expect(dry.stderr).toContain(code);
      expect((await cluster('submit', path)).stderr).toBe(dry.stderr);
    }
    expect((await cluster('jobs', '--json')).stdout).toBe('[]\n');
  });
});
