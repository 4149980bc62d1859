import { packageVersion } from '@ringmaster/base';

/** Version of the command. */
export const version = packageVersion(new URL('../package.json', import.meta.url));
