import { scopes, type Scope } from '@ringmaster/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { Client } from '../client.js';
import { locate } from '../location.js';
import { note, pairs, print, printJson, table } from '../output.js';
import { clusterOptions, jsonOption, subverb, type JsonOption } from '../verb.js';

interface CreateOptions extends JsonOption {
  readonly scope: readonly Scope[];
}

export function define(verb: Command): void {
  verb.addHelpText(
    'after',
    `
Scopes: read (see jobs, models, data and workers), submit (read, and ask for work), join (read, and
compute as a worker), admin (everything). The token in the home directory has all of them.`,
  );
  jsonOption(clusterOptions(subverb(verb, 'list', 'List the tokens'))).action(
    async ({ json, ...where }: JsonOption) => {
      const tokens = await new Client(locate(where)).tokens();
      if (json) printJson(tokens);
      else {
        const rows = tokens.map((token) => [
          token.id,
          token.name,
          token.scopes.join(', '),
          token.createdAt,
        ]);
        print(table(['ID', 'NAME', 'SCOPES', 'CREATED'], rows));
      }
    },
  );
  jsonOption(clusterOptions(subverb(verb, 'create <name>', 'Make a token, and print it once')))
    .requiredOption(
      '--scope <scope>',
      `what it is for: ${scopes.join(', ')}; may be repeated`,
      scopeOf,
    )
    .action(async (name: string, { json, scope, ...where }: CreateOptions) => {
      const made = await new Client(locate(where)).createToken({ name, scopes: [...scope] });
      if (json) printJson(made);
      else {
        print(pairs(Object.entries({ id: made.id, token: made.token, join: made.join })));
        note(
          'It is shown only now. The second is all of it in one: address, token and fingerprint.',
        );
      }
    });
  clusterOptions(
    subverb(verb, 'revoke <id>', 'Let nobody in with a token any more, and end its workers'),
  ).action(async (id: string, where: JsonOption) => {
    await new Client(locate(where)).remove('tokens', id);
    note(`Token ${id} is revoked.`);
  });
}

function scopeOf(given: string, before: readonly Scope[] = []): readonly Scope[] {
  const found = scopes.find((scope) => scope === given);
  if (found !== undefined) return [...before, found];
  throw new InvalidArgumentError(`It is one of ${scopes.join(', ')}.`);
}
