import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { grafanaFolder } from './repository.js';

const positionSchema = z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() });
const datasourceSchema = z.strictObject({
  type: z.literal('prometheus'),
  uid: z.literal('${datasource}'),
});

const rowSchema = z.object({
  id: z.int(),
  type: z.literal('row'),
  title: z.string().min(1),
  gridPos: positionSchema,
});

const panelSchema = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries']),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: datasourceSchema,
  gridPos: positionSchema,
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }) }),
  targets: z
    .array(
      z.strictObject({
        refId: z.string(),
        expr: z.string().min(1),
        legendFormat: z.string().min(1),
      }),
    )
    .min(1),
});

const variableSchema = z.object({
  name: z.string(),
  label: z.string().min(1),
  datasource: datasourceSchema,
  query: z.object({ query: z.string() }),
});

/** What these tests know of Grafana's dashboard model (schema version 42, the last of the classic ones). */
const dashboardSchema = z.object({
  uid: z.string(),
  schemaVersion: z.literal(42),
  templating: z.object({
    list: z.tuple([z.object({ type: z.literal('datasource') })], variableSchema),
  }),
  panels: z.array(z.discriminatedUnion('type', [rowSchema, panelSchema])),
});

export type Panel = z.infer<typeof panelSchema>;

/** Values that Grafana puts into expressions. */
export interface Variables {
  readonly job: string;
  readonly instance: string;
}

const text = readFileSync(join(grafanaFolder, 'dashboards/run.json'), 'utf8');
export const dashboard = dashboardSchema.parse(JSON.parse(text));

export const panels = dashboard.panels.filter((panel): panel is Panel => panel.type !== 'row');

/** Every expression of every panel, by panel and legend, before substitution. */
export const panelExpressions: ReadonlyMap<string, string> = new Map(
  panels.flatMap(({ title, targets }) =>
    targets.map(({ legendFormat, expr }) => [`${title}: ${legendFormat}`, expr] as const),
  ),
);

/** The expressions that the variables of the dashboard ask, and the label whose values they take. */
export const variables = dashboard.templating.list.slice(1).map((variable) => {
  const { name, query } = variableSchema.parse(variable);
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query.query) ?? [];
  if (selector === undefined || label === undefined) throw new Error(`${name}: ${query.query}`);
  return { name, selector, label };
});

/** Does what Grafana does to an expression before it asks Prometheus. */
export function substitute(expression: string, { job, instance }: Variables): string {
  return expression
    .replaceAll('$job', job)
    .replaceAll('$instance', instance)
    .replaceAll('$__rate_interval', '10s');
}
