import { jobFileJsonSchema } from '@ringmaster/protocol';

interface Node {
  readonly type?: string;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** The reference page of job files, from their JSON Schema. */
export function jobFilePage(): string {
  const schema = jobFileJsonSchema() as Node;
  const kinds = (schema.oneOf ?? []).map((kind) => {
    const name = String(kind.properties?.['kind']?.const);
    return [
      `## kind: ${name}`,
      '',
      '| key | value | default | meaning |',
      '|---|---|---|---|',
      ...rows(kind, ''),
    ].join('\n');
  });
  return [
    '# Job file',
    '',
    'YAML or JSON. An unknown key is an error that names the nearest valid one. Editors complete job files with the',
    'schema `docs/reference/job-file.schema.json`. Paths are relative to the job file.',
    '',
    ...kinds.flatMap((kind) => [kind, '']),
  ].join('\n');
}

function rows(node: Node, prefix: string): string[] {
  if (prefix !== '' && node.oneOf !== undefined) return rowsOfAll(node.oneOf, prefix);
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const path = prefix + key;
    const required = node.required?.includes(key) === true && child.default === undefined;
    const section = child.properties !== undefined || child.oneOf !== undefined;
    const preset =
      child.default === undefined || section ? '' : `\`${JSON.stringify(child.default)}\``;
    const value = section ? '' : kindOf(child);
    const row = `| \`${path}\` | ${value} | ${required ? 'required' : preset} | ${child.description ?? ''} |`;
    return [row, ...rows(child, `${path}.`), ...rows(child.items ?? {}, `${path}[].`)];
  });
}

/** The rows of alternatives of which each has a name: first the names, then every key, with whose it is if not everybody's. */
function rowsOfAll(alternatives: readonly Node[], prefix: string): string[] {
  const named = alternatives.map((alternative) => {
    const { properties = {} } = alternative;
    const [discriminator] = Object.entries(properties).filter(
      ([, child]) => child.const !== undefined,
    );
    if (discriminator === undefined) throw new Error(`${prefix} has an alternative without a name`);
    const [key, { const: name, description, default: preset }] = discriminator;
    const { [key]: _, ...others } = properties;
    const keys = rows({ ...alternative, properties: others }, prefix);
    return { key, name: String(name), description, preset, keys };
  });
  const names = named.map(({ name }) => `\`${name}\``).join(', ');
  const meanings = named.map(({ description }) => description ?? '').join('; ');
  const preset = named.find((alternative) => alternative.preset !== undefined)?.preset;
  const fallback = preset === undefined ? 'required' : `\`${JSON.stringify(preset)}\``;
  const keys = [...new Set(named.flatMap((alternative) => alternative.keys))];
  return [
    `| \`${prefix}${named[0]?.key ?? ''}\` | ${names} | ${fallback} | ${meanings}. |`,
    ...keys.map((row) => {
      const owners = named.filter((alternative) => alternative.keys.includes(row));
      const isCommon = owners.length === named.length;
      return isCommon
        ? row
        : row.replace(/ \|$/, ` Of ${owners.map(({ name }) => name).join(', ')}. |`);
    }),
  ];
}

function kindOf(node: Node): string {
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((option) => `\`${option}\``).join(', ');
  if (node.anyOf !== undefined) return node.anyOf.map(kindOf).join(' or ');
  if (node.type === 'array')
    return `list of ${node.items === undefined ? 'values' : kindOf(node.items)}`;
  if (node.properties !== undefined) return `\`{ ${Object.keys(node.properties).join(', ')} }\``;
  return [node.type ?? 'value', range(node)].filter((part) => part !== '').join(' ');
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Node): string {
  const low = exclusiveMinimum !== undefined ? `> ${exclusiveMinimum}` : bound('≥', minimum);
  const high = exclusiveMaximum !== undefined ? `< ${exclusiveMaximum}` : bound('≤', maximum);
  return [low, high].filter((part) => part !== '').join(', ');
}

function bound(sign: string, value: number | undefined): string {
  return value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER
    ? ''
    : `${sign} ${value}`;
}
