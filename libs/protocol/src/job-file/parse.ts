import { isAlias, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { RingmasterError } from '../errors/registry.js';
import { submittedJobSchema } from './contradictions.js';
import { nearest } from './nearest.js';
import { innermost, reasonOf } from './reason.js';
import { jobFileJsonSchema, type JobSpec } from './schema.js';

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
  const document = parseDocument(text, { uniqueKeys: true, logLevel: 'error' });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const [line = ''] = problem.message.split('\n');
    throw refusal(line.replace(/:$/, ''));
  }
  visit(document, (_, node) => {
    if (isAlias(node)) throw refusal('aliases are not supported');
  });
  return document.toJS();
}

/**
 * Checks a job file's value and fills its defaults in.
 * @throws JOB_FILE_UNKNOWN_KEY naming the key and the nearest valid one; JOB_FILE_INVALID naming key and reason.
 */
export function parseJobSpec(value: unknown): JobSpec {
  const parsed = submittedJobSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues;
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown?.code === 'unrecognized_keys') {
    const key = unknown.keys[0] ?? '';
    const kind = z.object({ kind: z.string() }).safeParse(value).data?.kind;
    throw new RingmasterError('JOB_FILE_UNKNOWN_KEY', {
      key: [...unknown.path, key].join('.'),
      nearest: nearest(key, validKeys(kind, unknown.path)),
    });
  }
  const [first] = issues.map(innermost);
  throw new RingmasterError('JOB_FILE_INVALID', {
    key: first?.path.join('.') ?? '',
    reason: first === undefined ? 'it cannot be understood' : reasonOf(first, value),
  });
}

/**
 * Applies `path=value` overrides, values in YAML, to a job file's value, and returns a new one.
 * @throws JOB_FILE_INVALID naming the key
 */
export function withOverrides(value: unknown, overrides: readonly string[]): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
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
    let parent = copy;
    for (const key of path) {
      const child = Object.hasOwn(parent, key) ? parent[key] : undefined;
      if (typeof child === 'object' && child !== null && !Array.isArray(child)) {
        parent = child as Record<string, unknown>;
      } else {
        const created: Record<string, unknown> = {};
        Object.defineProperty(parent, key, {
          value: created,
          enumerable: true,
          writable: true,
          configurable: true,
        });
        parent = created;
      }
    }
    const parsed = parseYaml(override.slice(equals + 1), (reason) => {
      return new RingmasterError('JOB_FILE_INVALID', { key: override.slice(0, equals), reason });
    });
    Object.defineProperty(parent, last, {
      value: parsed,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return copy;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
}

/** The keys that the schema allows at `path` of a job of this kind. */
function validKeys(kind: string | undefined, path: readonly PropertyKey[]): string[] {
  const root = jobFileJsonSchema() as SchemaNode;
  const start = root.oneOf?.find((option) => option.properties?.['kind']?.const === kind);
  const node = path.reduce<SchemaNode | undefined>(
    (current, key) => current?.properties?.[String(key)],
    start,
  );
  return Object.keys(node?.properties ?? {});
}
