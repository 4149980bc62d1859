import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { prometheusFolder } from './repository.js';

const ruleSchema = z.union([
  z.strictObject({ record: z.string(), expr: z.string() }),
  z.object({
    alert: z.string(),
    expr: z.string(),
    labels: z.object({ severity: z.enum(['warning', 'critical']) }),
    annotations: z.object({ summary: z.string(), description: z.string() }),
  }),
]);
const rulesSchema = z.object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) });

const text = readFileSync(join(prometheusFolder, 'rules.yml'), 'utf8');
const rules = rulesSchema.parse(parse(text)).groups.flatMap((group) => group.rules);

export const ruleExpressions = rules.map(({ expr }) => expr);
export const recorded = rules.flatMap((rule) => ('record' in rule ? [rule.record] : []));
export const alerts = rules.flatMap((rule) => ('alert' in rule ? [rule.alert] : []));

/** Every series selector of an expression, without what is done to it: `up{job="ringmaster"}`. */
export function selectorsIn(expression: string): string[] {
  return expression.match(/\b(?:up|ringmaster_\w+)\b(?:\{[^}]*\})?/g) ?? [];
}

/** The name of the metric that a selector selects from. */
export function metricOf(selector: string): string {
  return selector.replace(/\{.*$/, '');
}
