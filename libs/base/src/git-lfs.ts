/**
 * What is to be said of a file that is a pointer of Git LFS: a repository was cloned without its large files.
 * @param start Its first characters.
 * @returns Null for any other file.
 */
export function gitLfsPointer(start: string): { reason: string; remedy: string } | null {
  if (!start.startsWith('version https://git-lfs')) return null;
  return {
    reason: 'it is a Git LFS pointer, not the file itself',
    remedy: 'Fetch the file in the clone that it is from, with: git lfs pull',
  };
}
