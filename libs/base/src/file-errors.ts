import { RingmasterError } from '@ringmaster/protocol/errors';

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
  EISDIR: 'it is a directory',
  ENOENT: 'a part of the path does not exist and cannot be made',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its symbolic links go in a circle',
};

/** A failure of the file system in words; null for any other error, and for one that has no words here. */
export function fileReason(error: unknown): string | null {
  const code = systemCode(error);
  return code === null ? null : (reasons[code] ?? null);
}

export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Runs `work` on the home directory, and tells failures of the file system as what they mean.
 * @throws HOME_NOT_WRITABLE, DISK_FULL
 */
export function explaining<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (isDiskFull(error)) throw new RingmasterError('DISK_FULL', { path }, { cause: error });
    if (!(error instanceof Error) || systemCode(error) === null) throw error;
    if (error instanceof RingmasterError) throw error;
    const reason = fileReason(error) ?? error.message;
    throw new RingmasterError('HOME_NOT_WRITABLE', { path, reason }, { cause: error });
  }
}
