/** Whether a key is meant by a pattern: not where it is another one, nor one that is hidden, or a mark of a folder. */
export type Meaning = 'meant' | 'hidden' | 'other';

/**
 * Judges the keys of a bucket by a prefix (which is empty or ends with a slash) or a pattern, in which `*` and `?` stand for
 * what is no slash and `**` for anything. A key is hidden where a part of it begins with a dot that the pattern has not.
 */
export function keyPattern(pattern: string): (key: string) => Meaning {
  const isPrefix = pattern === '' || pattern.endsWith('/');
  const parts = (isPrefix ? `${pattern}**` : pattern).split('/');
  const [visible, all] = ['(?!\\.)', ''].map((first) => expression(parts, first));
  return (key) => {
    if (key.endsWith('/') || all?.test(key) !== true) return 'other';
    return visible?.test(key) === true ? 'meant' : 'hidden';
  };
}

/** @param first What a part must begin with that the pattern leaves open. */
function expression(parts: readonly string[], first: string): RegExp {
  const folders = `(?:${first}[^/]*/)*`;
  const last = parts.length - 1;
  const translated = parts.map((part, at) => {
    if (part === '**') return at === last ? `${folders}${first}[^/]*` : folders;
    const open = /^[*?]/.test(part) ? first : '';
    const literal = part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    const text = literal.replace(/\*+/g, '[^/]*').replaceAll('?', '[^/]');
    return `${open}${text}${at === last ? '' : '/'}`;
  });
  return new RegExp(`^${translated.join('')}$`, 's');
}
