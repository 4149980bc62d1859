import { ringmasterHome } from '@ringmaster/base';
import type { Command } from 'commander';
import { inUsersForm } from '../invocation.js';
import { print, printJson } from '../output.js';
import { homeOption, jsonOption, type JsonOption } from '../verb.js';

export function define(verb: Command): void {
  jsonOption(homeOption(verb))
    .addHelpText('after', '\nExit codes: 0 when nothing fails, 1 otherwise.')
    .action(async ({ home, json }: JsonOption) => {
      // Loaded here: it brings ZeroMQ and the model library, which no other verb needs.
      const { checkMachine } = await import('../checks.js');
      const findings = await checkMachine(ringmasterHome(home));
      if (json) printJson(findings);
      else {
        for (const { check, state, detail, remedy } of findings) {
          print(`${state.padEnd(4)}  ${check.padEnd(13)}  ${detail}`);
          if (remedy !== null) print(inUsersForm(`${' '.repeat(21)}→ ${remedy}`));
        }
      }
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
    });
}
