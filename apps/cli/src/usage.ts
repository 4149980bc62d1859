import { nearest, RingmasterError } from '@ringmaster/protocol';
import type { Command, CommanderError } from 'commander';

/** The innermost verb that words of a command line name. */
export function verbOf(program: Command, words: readonly string[]): Command {
  const names = words.filter((word) => !word.startsWith('-'));
  let verb = program;
  for (const name of names) {
    const next = verb.commands.find((each) => each.name() === name);
    if (next === undefined) break;
    verb = next;
  }
  return verb;
}

/** Name of a verb as it is typed, such as `ringmaster model show`. */
export function typedName(verb: Command): string {
  return verb.parent === null ? verb.name() : `${typedName(verb.parent)} ${verb.name()}`;
}

/** What is wrong with a command line, with what was perhaps meant. */
export function usageError({ code, message }: CommanderError, verb: Command): RingmasterError {
  const reason = message.replace(/^error: /, '').replaceAll('\n', ' ');
  const [, unknown = ''] = /'([^']*)'/.exec(reason) ?? [];
  const [, dashes = '', word = ''] = /^(-*)(.*)$/.exec(unknown) ?? [];
  const meant = nearest(word, candidates(code, verb));
  const hint = meant === null ? '' : `; did you mean '${dashes}${meant}'?`;
  return new RingmasterError('USAGE', { reason: `${reason}${hint}` });
}

/** What may have been meant, without dashes. */
function candidates(code: string, verb: Command): string[] {
  if (code === 'commander.unknownCommand') return verb.commands.map((each) => each.name());
  if (code !== 'commander.unknownOption') return [];
  return [...verb.options.flatMap(({ long }) => long?.slice(2) ?? []), 'help'];
}
