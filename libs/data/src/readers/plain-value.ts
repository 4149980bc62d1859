import { isObject } from './lines.js';

/**
 * A value of a columnar file as JSON would have it: integers of 64 bits are numbers where a float64 holds them and their
 * digits where it does not, and dates are in ISO 8601. Bytes stay bytes, which no column takes.
 */
function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toPlain);
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array, toPlain);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toPlain(each)]));
}

/** By column, the names of the classes that its numbers stand for. */
type ClassNames = ReadonlyMap<string, readonly string[]>;

/**
 * The names of classes that Hugging Face datasets notes in a file beside its schema.
 * @param note The value of the key `huggingface`; what is not as it is written there has no names.
 */
export function classNamesIn(note: string | null | undefined): ClassNames {
  const names = new Map<string, readonly string[]>();
  const features = memberOf(memberOf(parsed(note ?? ''), 'info'), 'features');
  if (!isObject(features)) return names;
  for (const [column, feature] of Object.entries(features)) {
    const found = memberOf(feature, 'names') ?? memberOf(memberOf(feature, 'feature'), 'names');
    if (Array.isArray(found) && found.every((name) => typeof name === 'string'))
      names.set(column, found);
  }
  return names;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null; // A note of another program.
  }
}

const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** The fields of a row, in which a class has its name; −1 is none. */
export function toFields(
  row: Readonly<Record<string, unknown>>,
  classNames: ClassNames,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    const names = classNames.get(column);
    const plain = toPlain(value);
    fields[column] = names === undefined ? plain : named(plain, names);
  }
  return fields;
}

function named(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => named(each, names));
  if (typeof value !== 'number') return value;
  return value === -1 ? null : (names[value] ?? value);
}
