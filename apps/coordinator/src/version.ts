import { packageVersion } from '@ringmaster/base';

/** Version of the coordinator, and so of the workers that may join it. */
export const version = packageVersion(new URL('../package.json', import.meta.url));
