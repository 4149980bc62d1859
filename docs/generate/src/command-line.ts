import { commandLine } from '@ringmaster/cli/command-line';
import type { Command } from 'commander';

/** The reference page of the command line, from its own help. */
export async function commandLinePage(): Promise<string> {
  const program = await commandLine();
  return [
    '# Command line',
    '',
    'Data is on stdout, everything else on stderr. Every verb that reads takes `--json`. Verbs that ask a coordinator find',
    'it in its home directory (`--home`, `RINGMASTER_HOME`, else `~/.ringmaster`), or at an address with `--url`;',
    'then its token is in `RINGMASTER_TOKEN`, without which an address of another machine has to be one of https.',
    '',
    '```text',
    helpOf(program),
    '```',
    '',
    ...verbsOf(program, 'ringmaster').flatMap(({ name, verb }) => [
      `## ${name}`,
      '',
      '```text',
      helpOf(verb),
      '```',
      '',
    ]),
  ].join('\n');
}

/** Verbs that can be run, with those of which they are made up. */
function verbsOf(parent: Command, path: string): { name: string; verb: Command }[] {
  return parent.commands.flatMap((verb) => {
    const name = `${path} ${verb.name()}`;
    return verb.commands.length === 0 ? [{ name, verb }] : verbsOf(verb, name);
  });
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}
