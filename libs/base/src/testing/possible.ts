/**
 * Whether tests can run that need something of this machine. Says so where they cannot.
 * @param missing What is not tested and why, in a sentence.
 * @throws where every test has to run (CI=true)
 */
export function possible(isPossible: boolean, missing: string): boolean {
  if (isPossible) return true;
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`${missing}\n`);
  return false;
}
