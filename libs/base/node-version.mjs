// Plain JavaScript without dependencies: a fresh clone asks before anything is installed or built.

/** Which releases of Node are supported, for a remedy. */
export const SUPPORTED_NODE =
  '20.19 or later, 22.13 or later, or 24 and the even releases after it';

/** Whether this release of Node is supported: `version` is `major.minor.patch`, as in `process.versions.node`. */
export function supportsNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major === 20) return minor >= 19;
  if (major === 22) return minor >= 13;
  return major >= 24 && major % 2 === 0;
}
