import type { z } from 'zod';
import { nearest } from './nearest.js';

type Issue = z.core.$ZodIssue;

const LONGEST_QUOTE = 40;

const types: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section of keys and values',
};

/** What is wrong with the value of a key, in the words of someone who writes job files. */
export function reasonOf(issue: Issue, input: unknown): string {
  const value = valueAt(input, issue.path);
  switch (issue.code) {
    case 'invalid_type':
      return mustBe([typeName(issue.expected)], value);
    case 'invalid_value':
      return mustBeOneOf(issue.values.map(String), value);
    case 'invalid_union': {
      if ('options' in issue) {
        // An alternative that may go without its name counts undefined as one.
        const named = issue.options.filter((option) => option !== undefined);
        return mustBeOneOf(named.map(String), value);
      }
      const names = issue.errors.flatMap(([first]) =>
        first?.code === 'invalid_value' && first.path.length === 0 ? first.values.map(String) : [],
      );
      if (typeof value === 'string' && names.length > 0) return mustBeOneOf(names, value);
      const expected = issue.errors.flatMap(([first]) =>
        first?.code === 'invalid_type' ? [typeName(first.expected)] : [],
      );
      return mustBe(expected, value);
    }
    case 'too_small': {
      if (issue.origin === 'array') return 'must not be empty';
      const bound = `${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`;
      return mustBe([bound], value);
    }
    case 'too_big': {
      const bound = `${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`;
      return mustBe([bound], value);
    }
    default:
      return issue.message;
  }
}

/** The issue that is meant by one about a union: that of the alternative whose outer shape the value has. */
export function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const [inner] = issue.errors.flatMap((issues) => issues.filter(({ path }) => path.length > 0));
  if (inner === undefined) return issue;
  return innermost({ ...inner, path: [...issue.path, ...inner.path] });
}

function typeName(expected: string): string {
  return types[expected] ?? expected;
}

function mustBe(alternatives: readonly string[], value: unknown): string {
  if (value === undefined) return 'is required';
  return `must be ${either(alternatives)}, not ${quote(value)}`;
}

function mustBeOneOf(options: readonly string[], value: unknown): string {
  const named = either(options.map((option) => `'${option}'`));
  if (value === undefined) return `is required: ${named}`;
  const close = typeof value === 'string' && options.length > 1 ? nearest(value, options) : null;
  const hint = close === null ? '' : `; did you mean '${close}'?`;
  return `must be ${named}, not ${quote(value)}${hint}`;
}

/** Alternatives in a sentence: 'a', 'a or b', 'a, b or c'. */
export function either(alternatives: readonly string[]): string {
  const last = alternatives.at(-1) ?? 'something else';
  return alternatives.length < 2 ? last : `${alternatives.slice(0, -1).join(', ')} or ${last}`;
}

function quote(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a section of keys and values';
  const text = String(value);
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return typeof value === 'string' ? `'${shown}'` : shown;
}

/** What a value has at a path; undefined where it has nothing there. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );
}
