import type { Command } from 'commander';
import { Client } from '../client.js';
import { describeIncident } from '../describe-incident.js';
import { locate } from '../location.js';
import { note, print, printJson } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface IncidentsOptions extends JsonOption {
  readonly job?: string;
}

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .option('--job <id>', 'only of this job')
    .action(async ({ json, job, ...where }: IncidentsOptions) => {
      const incidents = await new Client(locate(where)).incidents(job ?? null);
      if (json) printJson(incidents);
      else if (incidents.length === 0) note('Nothing has failed.');
      else print(incidents.map(describeIncident).join('\n\n'));
    });
}
