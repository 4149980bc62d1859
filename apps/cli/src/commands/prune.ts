import { InvalidArgumentError, type Command } from 'commander';
import { parseDuration } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { locate } from '../location.js';
import { formatBytes, formatCount, pairs, print, printJson } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface PruneOptions extends JsonOption {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
}

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .description(
      'Remove jobs that ended long ago, data that no job has taken for long, and files that nothing needs. Models stay, and so does what a job needs that has not ended.',
    )
    .option('--older-than <age>', 'age of what is removed, such as 12h (default: 30d)', age)
    .option('--dry-run', 'only tell what would be removed')
    .action(async ({ olderThan, dryRun = false, json, ...where }: PruneOptions) => {
      const wanted = olderThan === undefined ? {} : { olderThan };
      const view = await new Client(locate(where)).prune({ ...wanted, dryRun });
      if (json) {
        printJson(view);
        return;
      }
      print(
        pairs([
          ['jobs', formatCount(view.jobs.count)],
          ['data', formatCount(view.data.count)],
          [dryRun ? 'would free' : 'freed', formatBytes(view.bytes)],
        ]),
      );
    });
}

function age(text: string): string {
  if (parseDuration(text) !== null) return text;
  throw new InvalidArgumentError('It is a duration such as 12h or 30d.');
}
