import { errors, type ErrorCode } from '@ringmaster/protocol';

/** The reference page of errors, from the registry. */
export function errorsPage(): string {
  const rows = (Object.keys(errors) as ErrorCode[]).sort().map((code) => {
    const { status, exit, remedy } = errors[code];
    return `| \`${code}\` | ${status} | ${exit} | ${remedy.replaceAll('|', '\\|')} |`;
  });
  return [
    '# Errors',
    '',
    'Every error has a code, a one-line message and a remedy. The command line prints them on stderr and exits with the',
    'exit code; the API answers with the HTTP status and `{ code, message, remedy, detail }`.',
    '',
    'Exit codes: 0 ok · 1 failed · 2 usage or invalid job file · 3 coordinator unreachable · 4 not found · 5 cancelled ·',
    '124 wait timed out · 130 interrupted.',
    '',
    '| code | HTTP status | exit code | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
