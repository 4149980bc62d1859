/** A string, which is skipped, or a number, of a JSON text. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Only a number of many digits or a large exponent can be one that a float64 does not hold as it is written. */
const long = /\d{16}|[eE][+-]?\d{3}/;

/**
 * The value of a JSON text, in which a number that a float64 would change, such as an integer above 2^53, is a string
 * with its digits: as a label it would otherwise become equal to its neighbours.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!long.test(text)) return value;
  const exact = text.replace(tokens, (token) =>
    token.startsWith('"') || isExact(token) ? token : JSON.stringify(token),
  );
  return exact === text ? value : JSON.parse(exact);
}

function isExact(token: string): boolean {
  const number = Number(token);
  if (!Number.isFinite(number)) return false;
  return /^-?\d+$/.test(token) ? String(number) === token : !long.test(token);
}
