import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { trainTokenizer } from '@ringmaster/data';
import {
  parametersOf,
  TOKEN_EMBEDDINGS,
  writeHuggingFace,
  type ModelConfig,
} from '@ringmaster/model';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./vectors.process.js', import.meta.url));
const directory = temporaryDirectory();
const tokenizerJson = trainTokenizer(['king queen king queen'], {
  algorithm: 'wordpiece',
  vocabulary: 300,
  lowercase: true,
});

async function run(args: readonly string[], request: object) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(request));
  const closed = once(child, 'close') as Promise<[number]>;
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exit] = await closed;
  return { exit, stdout, stderr };
}

/** Embeddings in which a token is the nearer to another the nearer their ids are. */
beforeAll(async () => {
  const model: ModelConfig = {
    architecture: 'bert',
    layers: 1,
    hidden: 2,
    heads: 1,
    intermediate: 2,
    context: 8,
    vocabulary: 300,
    dropout: 0,
    types: 2,
  };
  const parameters = parametersOf(model, null).map(({ name, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const angle = (at: number) => Math.floor(at / 2) / 100 - (at % 2) * (Math.PI / 2);
    const data = Float32Array.from({ length: size }, (_, at) => Math.cos(angle(at)));
    return { name, shape, data: name === TOKEN_EMBEDDINGS ? data : new Float32Array(size) };
  });
  const tokens = { padding: 0, begin: null, end: null };
  await writeHuggingFace(
    directory,
    { model, head: null, labels: null, scoring: null, tokens },
    parameters,
  );
  writeFileSync(join(directory, 'tokenizer.json'), tokenizerJson);
});

describe('the vectors of a model', () => {
  it('are its token embeddings, special tokens left out', async () => {
    const { model } = JSON.parse(tokenizerJson) as { model: { vocab: Record<string, number> } };
    const names = Object.entries(model.vocab).filter(([name]) => !name.startsWith('['));
    const king = model.vocab['king']!;
    const nearest = names
      .filter(([name]) => name !== 'king')
      .sort(([, a], [, b]) => Math.abs(a - king) - Math.abs(b - king))
      .map(([name]) => name);
    const request = { ask: 'neighbours', words: ['King'], top: 1 };
    const { exit, stdout } = await run(['--model-directory', directory, '--json'], request);
    expect(exit).toBe(0);
    const [answer] = JSON.parse(stdout) as [{ word: string; neighbours: { word: string }[] }];
    expect(answer.word).toBe('king');
    expect(nearest.slice(0, 2)).toContain(answer.neighbours[0]?.word);
  });

  it('become a file, and that another one', async () => {
    const [binary, glove] = [join(directory, 'vectors.bin'), join(directory, 'vectors.txt')];
    const form = 'word2vec-binary';
    const first = await run(['--model-directory', directory, '--json'], {
      ask: 'convert',
      path: binary,
      form,
    });
    const { words } = JSON.parse(first.stdout) as { words: number };
    const second = await run(['--vectors-file', binary], {
      ask: 'convert',
      path: glove,
      form: 'glove',
    });
    expect(second).toMatchObject({ exit: 0, stdout: '' });
    expect(second.stderr).toBe(`${words} words of 2 numbers are in ${glove}.\n`);
    expect(readFileSync(glove, 'utf8').split('\n').length).toBe(words + 1);
    const request = { ask: 'analogy', words: ['king', 'queen', 'king'], top: 2 };
    const asked = await run(['--vectors-file', glove], request);
    expect(asked.stdout).toMatch(/^( *-?\d\.\d{4} {2}\S+\n){2}$/);
  });

  it('are none of a word that is several tokens, or unknown', async () => {
    const request = { ask: 'neighbours', words: ['kingqueen'], top: 3 };
    const { exit, stderr } = await run(['--model-directory', directory], request);
    expect(exit).toBe(4);
    expect(stderr).toContain('VECTORS_WORD_UNKNOWN: ');
    expect(stderr).toContain("'kingqueen'");
  });
});
