import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { dataCommand } from './commands/data.js';
import { doctorCommand } from './commands/doctor.js';
import { downCommand } from './commands/down.js';
import { incidentsCommand } from './commands/incidents.js';
import {
  cancelCommand,
  jobCommand,
  jobsCommand,
  pauseCommand,
  resumeCommand,
} from './commands/jobs.js';
import { logsCommand } from './commands/logs.js';
import { modelCommand, modelsCommand } from './commands/models.js';
import { predictCommand } from './commands/predict.js';
import { statusCommand } from './commands/status.js';
import { submitCommand } from './commands/submit.js';
import { upCommand } from './commands/up.js';
import { waitCommand } from './commands/wait.js';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));

/** Every verb of the command. */
export function commandLine(): Command {
  const program = new Command('ringmaster')
    .description('Trains transformer language models across worker processes.')
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const line = text
          .trim()
          .replace(/^error: /, '')
          .replaceAll('\n', ' ');
        write(`ringmaster: USAGE: ${line}\n  See what is accepted with: ringmaster VERB --help\n`);
      },
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 ok, 1 failed, 2 usage or invalid job file, 3 coordinator unreachable, 4 not found,
  5 cancelled, 124 wait timed out, 130 interrupted (the job goes on).`,
    );

  upCommand(program);
  downCommand(program);
  statusCommand(program);
  doctorCommand(program);
  submitCommand(program);
  jobsCommand(program);
  jobCommand(program);
  logsCommand(program);
  waitCommand(program);
  pauseCommand(program);
  resumeCommand(program);
  cancelCommand(program);
  incidentsCommand(program);
  modelsCommand(program);
  modelCommand(program);
  predictCommand(program);
  dataCommand(program);
  return program;
}
