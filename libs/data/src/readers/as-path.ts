import { isLocation } from '@ringmaster/protocol';

/** A path, or a URL as if its server were a folder of the root, with the names that a folder would have. */
export function asPath(path: string): string {
  if (!isLocation(path)) return path;
  const parts = `/${path.replace('://', ':/')}`.split('/');
  // Keys of a bucket are names as they are.
  return /^s3:/i.test(path) ? parts.join('/') : parts.map(decoded).join('/');
}

/** A part of a URL as a name; as it is written where that is none. */
function decoded(part: string): string {
  try {
    const name = decodeURIComponent(part);
    return /^\.{1,2}$|[/\0]/.test(name) ? part : name;
  } catch {
    return part;
  }
}
