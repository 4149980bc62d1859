/** The path of a request target in origin or absolute form (RFC 9112, section 3.2), without its query. */
export function targetPath(target: string): string {
  return target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
}
