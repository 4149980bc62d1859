const SCRUBBED = /^(TZ|TZDIR|LANG|LANGUAGE|LC_\w+|NODE_ICU_DATA)$/;

/**
 * An environment without the time zone and the locale of whoever started the process: every process whose output enters
 * the bytes of a run begins with it.
 */
export function neutralEnvironment(inherited: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !SCRUBBED.test(name));
  return { ...Object.fromEntries(kept), TZ: 'UTC', LC_ALL: 'C.UTF-8' };
}
