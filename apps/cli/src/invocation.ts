import { verbs } from './verbs.js';

const names = Object.values(verbs)
  .flat()
  .map(({ usage }) => usage.split(' ')[0] ?? '');
const command = new RegExp(
  String.raw`(?<![\w./-])ringmaster(?= (?:VERB|--help|${names.join('|')})\b)`,
  'g',
);

/** Whether npx (or npm exec) has run the command, so that it need not be on the path. */
function isRunByNpx(): boolean {
  return process.env['npm_command'] === 'exec';
}

/** A text whose commands are written as the user has written this one: `npx ringmaster …` when run so. */
export function inUsersForm(text: string): string {
  return isRunByNpx() ? text.replace(command, 'npx ringmaster') : text;
}
