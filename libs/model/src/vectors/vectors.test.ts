import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  analogyOf,
  neighboursOf,
  openVectors,
  vectorForms,
  writeVectors,
  type VectorForm,
  type VectorTable,
} from './index.js';

const directory = temporaryDirectory();
let files = 0;
const newPath = () => join(directory, `vectors-${files++}`);

function written(content: string | Uint8Array): string {
  const path = newPath();
  writeFileSync(path, content);
  return path;
}

function tableOf(words: readonly string[], vectors: readonly (readonly number[])[]): VectorTable {
  const chunk = { words, values: Float32Array.from(vectors.flat()) };
  return {
    name: 'a table',
    dimensions: vectors[0]?.length ?? 1,
    length: words.length,
    async *chunks() {
      yield await Promise.resolve(chunk);
    },
  };
}

async function contentOf(table: VectorTable) {
  const words: string[] = [];
  const values: number[] = [];
  for await (const chunk of table.chunks()) {
    words.push(...chunk.words);
    values.push(...chunk.values);
  }
  return { dimensions: table.dimensions, words, values };
}

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const tables = fc
  .record({
    dimensions: fc.integer({ min: 2, max: 7 }),
    words: fc.uniqueArray(fc.stringMatching(/^[^ \n\r\uFEFF]{1,6}$/u), {
      minLength: 1,
      maxLength: 9,
    }),
  })
  .chain(({ dimensions, words }) => {
    const vector = fc.array(float32, { minLength: dimensions, maxLength: dimensions });
    const vectors = fc.array(vector, { minLength: words.length, maxLength: words.length });
    return fc.tuple(fc.constant(words), vectors);
  });

const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);
const binary = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.map((each) => Buffer.from(each)));

describe('a file of vectors', () => {
  it.each(vectorForms)('of %s has the words and the bits that were written', async (form) => {
    await fc.assert(
      fc.asyncProperty(tables, async ([words, vectors]) => {
        const table = tableOf(words, vectors);
        const path = newPath();
        expect(await writeVectors(path, table, form)).toBe(words.length);
        const found = await contentOf(await openVectors(path));
        expect(found).toEqual(await contentOf(table));
      }),
      { numRuns: 50 },
    );
  });

  it('may be as the tools write it: spaces at the ends of lines, or none after numbers of a binary one', async () => {
    const text = await openVectors(written('2 2\n</s> 0.5 -1e-3 \nking +.5 1. \n'));
    expect(await contentOf(text)).toEqual({
      dimensions: 2,
      words: ['</s>', 'king'],
      values: [0.5, Math.fround(-1e-3), 0.5, 1],
    });
    const numbers = Buffer.from(Float32Array.of(1, 0).buffer);
    const parts = ['2 2\n', 'é ', numbers, 'b ', numbers].map((part) => Buffer.from(part));
    const binary = await openVectors(written(Buffer.concat(parts)));
    expect(await contentOf(binary)).toEqual({
      dimensions: 2,
      words: ['é', 'b'],
      values: [1, 0, 1, 0],
    });
  });

  it('has words with spaces and other blanks, Windows lines and a byte-order mark', async () => {
    const lines = ['a 1 2', 'at name@domain.com 3 4', '. . . 5 6', '\u0085 7 8', '9 9 9'];
    const table = await openVectors(written(`\uFEFF${lines.join('\r\n')}\r\n`));
    const { words, values } = await contentOf(table);
    expect(words).toEqual(['a', 'at name@domain.com', '. . .', '\u0085', '9']);
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  });

  it.each<[string, string | Buffer]>([
    ['text', '3 2\na 1 2\na 5 6\nb 3 4\n\n\n'],
    ['without a header', 'a 1 2\na 5 6\nb 3 4\n\r\n'],
    ['binary', binary('3 2\na ', floats(1, 2), 'a ', floats(5, 6), 'b ', floats(3, 4))],
  ])('%s may repeat words and end in empty lines, and is told of', async (_, content) => {
    const table = await openVectors(written(content));
    for (let reading = 0; reading < 2; reading++) {
      expect(await contentOf(table)).toMatchObject({ words: ['a', 'b'], values: [1, 2, 3, 4] });
      expect(table.notices?.()).toEqual([
        "1 row repeats a word, the first of them 'a': the first vector of each word counts.",
      ]);
    }
    const path = newPath();
    expect(await writeVectors(path, table, 'word2vec')).toBe(2);
    expect(await contentOf(await openVectors(path))).toMatchObject({ words: ['a', 'b'] });
  });

  it('is read in chunks, whatever its size', async () => {
    const lines = Array.from({ length: 9000 }, (_, row) => `w${row}${' 0.25'.repeat(50)}\n`);
    const table = await openVectors(written(lines.join('')));
    let count = 0;
    for await (const { words, values } of table.chunks()) {
      expect(values.length).toBe(words.length * 50);
      expect(values.length).toBeLessThanOrEqual(2 ** 18);
      count += words.length;
    }
    expect(count).toBe(9000);
  });
});

describe('what is no file of vectors', () => {
  it.each<[string, string | Buffer, string]>([
    [
      'has fewer words than its first line says',
      '3 2\na 1 2\nb 1 2\n',
      'line 3: the file ends here with 2 words',
    ],
    [
      'has more words than its first line says',
      '1 2\na 1 2\nb 1 2\n',
      'line 3: the first line promises 1 words',
    ],
    ['ends within a line', 'a 1 2 3\nb 1 2 3\nc 1', 'line 3: it has 2 fields'],
    ['has a short line', '2 3\na 1 2\nb 1 2 3\n', 'line 2: it has 3 fields'],
    ['has a word that is no number', 'a 1 2\nb 1 x2\n', "line 2: 'x2' is no number"],
    ['has a number of another notation', 'a 1 2\nb 1 0x2\n', "line 2: '0x2' is no number"],
    ['has NaN', 'a 1 2\nb nan 2\n', "line 2: 'nan' is no number"],
    ['has an infinity', 'a 1 2\nb 1 1e39\n', "line 2: '1e39' is no number"],
    ['has a line without a word', 'a 1 2\n 1 2\n', 'line 2: it has no word'],
    ['has an empty line', 'a 1 2\n\n\nb 1 2\n', 'line 2: it is empty'],
    ['is not UTF-8', binary('a 1 2\n', Buffer.of(0xe9), ' 1 2\n'), 'line 2: it is not UTF-8'],
    ['is a text', 'It was\nthe best\n', "line 1: 'was' is no number"],
    ['promises no numbers', '3 0\na\nb\nc\n', 'line 1: it promises words of 0 numbers'],
    ['promises too many words', '99999999 2\na 1 2\n', 'line 1: it promises 99999999 words'],
    ['has no line', 'x'.repeat(2 ** 20 + 2), 'line 1: it has more than 1048576 bytes'],
    [
      'is binary and cut',
      binary('2 2\na ', floats(1, 2), '\nb ', floats(1)),
      'byte 21: the file ends here',
    ],
    [
      'is binary and cut at a word',
      binary('2 1\naaaaaaaaaaaaa ', floats(1), 'bbb'),
      'byte 25: the file ends here after 1',
    ],
    [
      'is binary with more words',
      binary('1 1\na ', floats(0.1), '\nb ', floats(1)),
      'byte 11: the first line promises 1',
    ],
    [
      'is binary with NaN',
      binary('2 1\na ', floats(0.1), 'b ', floats(NaN)),
      "byte 12: number 1 of 'b' is NaN",
    ],
    [
      'is binary with a word that is not UTF-8',
      binary('1 1\n', Buffer.of(0xff, 0x20), floats(0.1)),
      'byte 4: word 1 is not UTF-8',
    ],
  ])('that %s is named with its place', async (_, content, said) => {
    const path = written(content);
    const reading = openVectors(path).then(contentOf);
    await expect(reading).rejects.toThrow(`${path} `);
    await expect(openVectors(path).then(contentOf)).rejects.toThrow(said);
  });

  it.each<[string, string | Buffer, string, string]>([
    ['empty', '', 'it is empty', 'by its name'],
    ['gzip', Buffer.of(0x1f, 0x8b, 8), 'packed by gzip', 'gunzip'],
    ['a pickle', Buffer.of(0x80, 4, 0x95), 'it is a pickle', 'save_word2vec_format'],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\n', 'Git LFS', 'git lfs pull'],
  ])('but %s is told with its remedy', async (_, content, reason, remedy) => {
    await expect(openVectors(written(content))).rejects.toMatchObject({
      code: 'VECTORS_FILE_UNREADABLE',
      message: expect.stringContaining(reason) as unknown,
      remedy: expect.stringContaining(remedy) as unknown,
    });
  });

  it('but nothing, or a directory, is told', async () => {
    await expect(openVectors(join(directory, 'none'))).rejects.toThrow('it does not exist');
    await expect(openVectors(directory)).rejects.toThrow('it is a directory');
  });

  it('and no bytes bring anything but an error that is told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, isHeaded) => {
        const path = written(Buffer.concat([Buffer.from(isHeaded ? '2 1\na ' : ''), bytes]));
        const outcome = await openVectors(path)
          .then(contentOf)
          .catch((error: unknown) => error);
        if (outcome instanceof Error)
          expect(outcome).toMatchObject({ code: expect.stringMatching(/^VECTORS_/) as unknown });
      }),
      { numRuns: 200 },
    );
  });
});

describe('writing', () => {
  it('takes no place of another file, and leaves nothing of one that fails', async () => {
    const table = tableOf(['a b'], [[1, 2]]);
    const path = written('kept');
    await expect(writeVectors(path, table, 'glove')).rejects.toMatchObject({
      code: 'VECTORS_FILE_EXISTS',
    });
    expect(readFileSync(path, 'utf8')).toBe('kept');
    const other = newPath();
    for (const form of ['word2vec', 'word2vec-binary'] satisfies VectorForm[])
      await expect(writeVectors(other, table, form)).rejects.toMatchObject({
        code: 'VECTORS_WORD_UNWRITABLE',
      });
    await expect(openVectors(other)).rejects.toThrow('it does not exist');
    await expect(writeVectors(join(path, 'x'), table, 'glove')).rejects.toMatchObject({
      code: 'DIRECTORY_NOT_WRITABLE',
    });
  });
});

describe('similarity', () => {
  const words = ['man', 'woman', 'king', 'queen', 'nought', 'far'];
  const table = tableOf(words, [
    [1, 0, 0],
    [1, 1, 0],
    [1, 0, 1],
    [1, 1, 1],
    [0, 0, 0],
    [-3, 0, 0],
  ]);

  it('is the cosine: neighbours are in its order, without the word itself', async () => {
    const [found] = await neighboursOf(table, ['man'], 5);
    expect(found?.word).toBe('man');
    expect(found?.neighbours.map(({ word }) => word)).toEqual([
      'woman',
      'king',
      'queen',
      'nought',
      'far',
    ]);
    const expected = [Math.SQRT1_2, Math.SQRT1_2, 1 / Math.sqrt(3), 0, -1];
    found?.neighbours.forEach(({ similarity }, at) => {
      expect(similarity).toBeCloseTo(expected[at] ?? NaN, 12);
    });
  });

  it('is that of a sort of the whole table, for any number of words that are wanted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 45 }),
        async (numbers, top) => {
          const names = numbers.map((_, index) => `w${index}`);
          const all = tableOf(['q', ...names], [[1, 0], ...numbers.map((each) => [each, 1])]);
          const [found] = await neighboursOf(all, ['q'], top);
          const sorted = names
            .map((word, index) => ({ word, number: numbers[index] ?? 0 }))
            .sort((a, b) => b.number - a.number);
          expect(found?.neighbours.map(({ word }) => word)).toEqual(
            sorted.slice(0, top).map(({ word }) => word),
          );
        },
      ),
    );
  });

  it('finds what is to king as woman is to man', async () => {
    const [first] = await analogyOf(table, ['man', 'woman', 'king'], 1);
    expect(first?.word).toBe('queen');
  });

  it('names every word that there is no vector for, and one of another case', async () => {
    await expect(neighboursOf(table, ['King', 'man', 'duke'], 3)).rejects.toMatchObject({
      code: 'VECTORS_WORD_UNKNOWN',
      exit: 4,
      message: "a table has no vector for 'King', 'duke'; it has 'king'",
    });
  });
});
