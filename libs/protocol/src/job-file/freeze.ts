import { RingmasterError } from '../errors/registry.js';
import { near } from './nearest.js';

/** More numbers than a range may have: no model has so many blocks. */
const LONGEST_RANGE = 1000;

/** A pattern over names of parameters, such as `blocks.{0..3}.attention`. */
interface Pattern {
  readonly matches: (name: string) => boolean;
  /** One of the names that it was written for, as far as a pattern tells. */
  readonly example: string;
}

/**
 * Reads a pattern over names of parameters, whose segments are separated by dots: `*` is any text within a segment, `**`
 * any segments or none, `{0..3}` each number of a range, `{a,b}` each of a set. It stands for what it matches and for
 * everything under that.
 * @throws Error saying what is wrong with it
 */
export function parsePattern(text: string): Pattern {
  if (text === '') throw new Error('is empty');
  const tokens = text.match(/\{[^{}]*\}|\*\*|[\w-]+|./gs) ?? [];
  const isEdge = (token: string | undefined) => token === undefined || token === '.';
  let source = '';
  let example = '';
  for (const [at, token] of tokens.entries()) {
    const [before, after] = [tokens[at - 1], tokens[at + 1]];
    if (token === '.') {
      if (isEdge(before) || isEdge(after)) throw new Error('has an empty segment');
      if (before === '**') continue;
      source += '\\.';
      example += '.';
    } else if (token === '**') {
      if (!isEdge(before) || !isEdge(after))
        throw new Error("has a '**' that is not a whole segment");
      source += after === undefined ? '[^.]+' : '(?:[^.]+\\.)*';
    } else if (token === '*') {
      source += '[^.]*';
    } else {
      const alternatives = alternativesOf(token);
      source += `(?:${alternatives.join('|').replaceAll('.', '\\.')})`;
      example += alternatives[0] ?? '';
    }
  }
  const expression = new RegExp(`^${source}(?:\\.|$)`);
  return { matches: (name) => expression.test(name), example: example.replace(/^\.+|\.+$/g, '') };
}

/** What a word, a range or a set stands for. */
function alternativesOf(token: string): readonly string[] {
  if (/^[\w-]+$/.test(token)) return [token];
  const [, first, last] = /^\{(\d{1,9})\.\.(\d{1,9})\}$/.exec(token) ?? [];
  if (first !== undefined && last !== undefined) {
    const length = Number(last) - Number(first) + 1;
    if (length < 1 || length > LONGEST_RANGE) throw new Error(`has the range ${token}`);
    return Array.from({ length }, (_, index) => String(Number(first) + index));
  }
  const [, set] = /^\{([\w-]+(?:\.[\w-]+)*(?:,[\w-]+(?:\.[\w-]+)*)*)\}$/.exec(token) ?? [];
  if (set !== undefined) return set.split(',');
  throw new Error(`has '${token}', which means nothing in a pattern`);
}

/** How many names an error proposes. */
const PROPOSALS = 3;

/**
 * The parameters that keep their values.
 * @param names Of all parameters of the model.
 * @throws FREEZE_UNMATCHED, FREEZE_EVERYTHING
 */
export function frozenBy(patterns: readonly string[], names: readonly string[]): Set<string> {
  const frozen = matchedBy(patterns, names, 'FREEZE_UNMATCHED');
  if (names.every((name) => frozen.has(name))) throw new RingmasterError('FREEZE_EVERYTHING', {});
  return frozen;
}

/**
 * The linear layers that get an adapter.
 * @param names Of all linear layers of the network.
 * @throws LORA_UNMATCHED
 */
export function adaptedBy(patterns: readonly string[], names: readonly string[]): Set<string> {
  return matchedBy(patterns, names, 'LORA_UNMATCHED');
}

/** The names that are matched; a pattern that matches none is an error with this code. */
function matchedBy(
  patterns: readonly string[],
  names: readonly string[],
  code: 'FREEZE_UNMATCHED' | 'LORA_UNMATCHED',
): Set<string> {
  const found = new Set<string>();
  for (const text of patterns) {
    const { matches, example } = parsePattern(text);
    const matched = names.filter(matches);
    if (matched.length === 0)
      throw new RingmasterError(code, { pattern: text, near: proposals(example, names) });
    for (const name of matched) found.add(name);
  }
  return found;
}

/** Parameters, or parts of the model, whose names are near a word; where none are, its largest parts. */
function proposals(word: string, names: readonly string[]): readonly string[] {
  const parts = names.flatMap((name) => {
    const segments = name.split('.');
    return segments.map((_, at) => segments.slice(0, at + 1).join('.'));
  });
  const found = near(word, [...new Set(parts)]).slice(0, PROPOSALS);
  return found.length > 0 ? found : [...new Set(parts.filter((part) => !part.includes('.')))];
}
