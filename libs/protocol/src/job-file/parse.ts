import { isAlias, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { RingmasterError } from '../errors/registry.js';
import { submittedJobSchema } from './contradictions.js';
import { nearest } from './nearest.js';
import { nestingOf } from './nesting.js';
import { innermost, reasonOf, valueAt } from './reason.js';
import { jobFileJsonSchema, type JobSpec } from './schema.js';

/** More than any job file has. */
const MOST_LEVELS = 64;

/**
 * Reads the text of a job file (YAML or JSON).
 * @param path Name for error messages.
 * @throws JOB_FILE_UNREADABLE when the text is not YAML or JSON, or is empty.
 */
export function readJobFile(text: string, path: string): unknown {
  const value = parseYaml(text, (reason) => {
    return new RingmasterError('JOB_FILE_UNREADABLE', { path, reason });
  });
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new RingmasterError('JOB_FILE_UNREADABLE', {
      path,
      reason: 'it does not hold keys and values',
    });
  }
  return value;
}

/** One YAML value. `refusal` makes the error of what cannot be understood. */
function parseYaml(text: string, refusal: (reason: string) => RingmasterError): unknown {
  const lineCounter = new LineCounter();
  if (nestingOf(text, MOST_LEVELS) > MOST_LEVELS) throw refusal('it is nested too deeply');
  // Not pretty: each of the errors, of which only the first is told, would be given its place by a search of the text.
  const options = { uniqueKeys: true, logLevel: 'error', prettyErrors: false } as const;
  const document = parseDocument(text, { ...options, lineCounter });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    throw refusal(`${inWords(problem)} at line ${line}, column ${col}`);
  }
  visit(document, (_, node) => {
    if (isAlias(node)) throw refusal('aliases are not supported');
  });
  return document.toJS();
}

/** What is wrong, for whom the parser is not theirs. */
function inWords({ code, message }: YAMLError): string {
  return code === 'MULTIPLE_DOCS' ? 'it holds a second document' : message;
}

/**
 * Checks a job file's value and fills its defaults in.
 * @throws JOB_FILE_UNKNOWN_KEY naming the key and the nearest valid one; JOB_FILE_INVALID naming key and reason.
 */
export function parseJobSpec(value: unknown): JobSpec {
  const parsed = submittedJobSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [];
    return issue.keys.map((key) => ({
      key: [...issue.path, key].join('.'),
      nearest: nearest(key, validKeys(jobFileJsonSchema() as SchemaNode, value, issue.path)),
    }));
  });
  const invalid = issues
    .filter(({ code }) => code !== 'unrecognized_keys')
    .map(innermost)
    .map((issue) => ({ key: issue.path.join('.'), reason: reasonOf(issue, value) }));
  throw faultOf(unknown, invalid);
}

interface UnknownKey {
  readonly key: string;
  readonly nearest: string | null;
}

interface InvalidKey {
  readonly key: string;
  readonly reason: string;
}

/** One error of all faults, the first of which is its own. */
function faultOf(unknown: readonly UnknownKey[], invalid: readonly InvalidKey[]): RingmasterError {
  const others = [
    ...unknown.map(({ key, nearest: near }) => {
      return `'${key}' is unknown${near === null ? '' : `; did you mean '${near}'?`}`;
    }),
    ...invalid.map(({ key, reason }) => `'${key}' ${reason}`),
  ].slice(1);
  const more = others.length === 0 ? {} : { others };
  const [firstUnknown] = unknown;
  const [firstInvalid = { key: '', reason: 'it cannot be understood' }] = invalid;
  return firstUnknown === undefined
    ? new RingmasterError('JOB_FILE_INVALID', { ...firstInvalid, ...more })
    : new RingmasterError('JOB_FILE_UNKNOWN_KEY', { ...firstUnknown, ...more });
}

/**
 * Applies `path=value` overrides, values in YAML, to a job file's value, and returns a new one. The value null removes
 * a key.
 * @throws JOB_FILE_INVALID naming the key
 */
export function withOverrides(value: unknown, overrides: readonly string[]): unknown {
  const copy = structuredClone(value) as object;
  for (const override of overrides) {
    const equals = override.indexOf('=');
    const path = override.slice(0, equals).split('.');
    const last = path.pop();
    if (equals < 1 || last === undefined) {
      throw new RingmasterError('JOB_FILE_INVALID', {
        key: override,
        reason: 'an override is path=value',
      });
    }
    const parsed = parseYaml(override.slice(equals + 1), (reason) => {
      return new RingmasterError('JOB_FILE_INVALID', { key: override.slice(0, equals), reason });
    });
    if (parsed === null) remove(copy, path, last);
    else setOwn(sectionAt(copy, path), last, parsed);
  }
  return copy;
}

/** The section at a path; one that is missing, or is no section, is made anew. */
function sectionAt(value: object, path: readonly string[]): object {
  return path.reduce((parent, key) => {
    const child = sectionOf(parent, key) ?? {};
    setOwn(parent, key, child);
    return child;
  }, value);
}

/** Removes a key; a section that is missing has none. */
function remove(value: object, path: readonly string[], key: string): void {
  const parent = path.reduce<object | null>(
    (section, part) => (section === null ? null : sectionOf(section, part)),
    value,
  );
  if (parent !== null) Reflect.deleteProperty(parent, key);
}

function sectionOf(parent: object, key: string): object | null {
  const child: unknown = Object.hasOwn(parent, key)
    ? (parent as Record<string, unknown>)[key]
    : undefined;
  return typeof child === 'object' && child !== null && !Array.isArray(child) ? child : null;
}

/** Sets a key whatever it is called, `__proto__` too. */
function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

interface SchemaNode {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly oneOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly const?: unknown;
}

/** The keys that a schema allows at `path` of a value. */
function validKeys(node: SchemaNode, value: unknown, path: readonly PropertyKey[]): string[] {
  const { properties = {} } = node.oneOf?.find((option) => isMeant(option, value)) ?? node;
  const [key, ...rest] = path;
  if (key === undefined) return Object.keys(properties);
  const name = String(key);
  const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
  const child = typeof key === 'number' ? node.items : own;
  return child === undefined ? [] : validKeys(child, valueAt(value, [name]), rest);
}

/** Whether a value has what is constant in an alternative, or goes without it where that is the default. */
function isMeant({ properties = {} }: SchemaNode, value: unknown): boolean {
  return Object.entries(properties).every(
    ([key, { const: constant, default: preset }]) =>
      constant === undefined || (valueAt(value, [key]) ?? preset) === constant,
  );
}
