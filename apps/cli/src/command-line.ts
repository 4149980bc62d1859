import { Command } from 'commander';
import { inUsersForm } from './invocation.js';
import { verbs, type Verb } from './verbs.js';
import { version } from './version.js';

/**
 * The command line. Every verb has its name, arguments and summary.
 * @param words A command line, whose verb alone is loaded and has its options and action; without it all are.
 */
export async function commandLine(words?: readonly string[]): Promise<Command> {
  const wanted = words?.find((word) => !word.startsWith('-') && word !== 'help');
  const program = new Command('ringmaster')
    .description('Trains transformer language models across worker processes.')
    .version(version)
    .exitOverride()
    // What follows a verb is its own.
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => process.stdout.write(inUsersForm(text)),
      // Told at the end, as every error is.
      outputError: () => undefined,
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 ok, 1 failed, 2 usage or invalid job file, 3 coordinator unreachable, 4 not found,
  5 cancelled, 124 wait timed out, 130 interrupted (the job goes on).

A cluster runs from the first model to its predictions with
  ringmaster up --workers 2
  ringmaster submit recipes/quickstart-pretrain.yaml --wait
  ringmaster submit recipes/quickstart-finetune.yaml --wait
  echo 'You have won' | ringmaster predict mail-spam
  ringmaster down`,
    );
  const loading: Promise<void>[] = [];
  for (const [group, members] of Object.entries(verbs)) {
    for (const verb of members) {
      const command = declare(program, verb).helpGroup(group);
      if (words === undefined || wanted === command.name()) loading.push(complete(command, verb));
    }
  }
  await Promise.all(loading);
  return program;
}

function declare(program: Command, { usage, summary }: Verb): Command {
  return program.command(usage).summary(summary).description(`${summary}.`);
}

async function complete(command: Command, { load, example }: Verb): Promise<void> {
  const { define } = await load();
  define(command);
  command.addHelpText('after', `\nExample: ringmaster ${example}`);
}
