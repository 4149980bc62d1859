import { RingmasterError } from '@ringmaster/protocol';

/** The code of a failed system call, as "ENOENT"; null for any other error. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a file is in the way',
  ENOENT: 'a part of the path does not exist',
  ENAMETOOLONG: 'the path is too long',
};

/** Runs `work` on the home directory, and tells failures of the file system as what they mean. */
export function explaining<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new RingmasterError('DISK_FULL', { path });
    const reason = code === null ? undefined : reasons[code];
    if (reason === undefined) throw error;
    throw new RingmasterError('HOME_NOT_WRITABLE', { path, reason }, { cause: error });
  }
}
