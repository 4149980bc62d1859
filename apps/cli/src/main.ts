// ringmaster VERB … (see `ringmaster --help`)
import { runProgram } from '@ringmaster/base';
import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { inUsersForm } from './invocation.js';
import { typedName, usageError, verbOf } from './usage.js';

const words = process.argv.slice(2);
let name = 'ringmaster';

await runProgram(
  async () => {
    const program = await commandLine(words);
    const verb = verbOf(program, words);
    name = typedName(verb);
    try {
      await program.parseAsync();
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.code === 'commander.help') process.exitCode = 2;
      else if (error.exitCode !== 0) throw usageError(error, verb);
    }
  },
  (text) => inUsersForm(text.replaceAll('ringmaster VERB', name)),
);
// An interrupted verb may have left a request behind that would keep the process.
if (process.exitCode === 130 || process.exitCode === 124) process.exit();
