import { lstat, readFileSync, realpath, stat, statSync, type Stats } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { isLocation, RingmasterError } from '@ringmaster/protocol';
import { escapePath, glob, type FileSystemAdapter, type GlobOptions } from 'tinyglobby';
import type { SourceFile } from '../document.js';
import type { Remote } from '../remote/remote.js';
import { asPath } from './as-path.js';
import { surveyFile } from './bytes.js';
import { requireWithin, type Roots } from './roots.js';

/** Why something that a pattern could mean is not read. */
type Reason = 'hidden' | 'dangling' | 'special' | 'job';

export interface FoundFiles {
  readonly files: readonly SourceFile[];
  /** What was left out and why, a sentence for each reason. */
  readonly notices: readonly string[];
}

/**
 * Files that match the patterns, in code-unit order of their names; a pattern that is a file's path means that file, and
 * one that is a directory's all files under it. What a pattern only finds is left out where it is hidden (its name, or a
 * folder's below the pattern's own, begins with a dot that the pattern has not), a link that leads nowhere, no regular
 * file, or a job file. A pattern that begins with `!`, and is no file's path, leaves out what it matches of what others find.
 * @param roots Directories that they must lie in.
 * @param hasLines Whether a file is one of lines, which can be read in pieces.
 * @param remote Fetches what a pattern names on another machine.
 * @throws DATA_PATH_REFUSED; DATA_NO_FILES when one pattern matches nothing; DATA_FILE_UNREADABLE; DATA_FILE_EMPTY; what
 *   `Remote.files` throws
 */
export async function findFiles(
  patterns: readonly string[],
  roots: Roots = null,
  hasLines: (path: string) => boolean = () => false,
  remote: Remote | null = null,
): Promise<FoundFiles> {
  const paths = new Set<string>();
  const fetched = new Map<string, Omit<SourceFile, 'name'>>();
  const leftOut = new Map<string, Reason>();
  const { wanted, ignore } = parted(patterns);
  for (const pattern of wanted) {
    if (isLocation(pattern)) {
      if (remote === null) throw new Error(`nothing fetches ${pattern}`);
      const { files, hidden } = await remote.files(pattern, hasLines);
      const others = hidden.map((path) => [path, 'hidden'] as const);
      if (files.length === 0) throw noFiles(pattern, new Map(others));
      for (const [path, reason] of others) leftOut.set(path, reason);
      // URLs that differ behind their question marks alone have one path.
      for (const file of files) fetched.set(`${file.path}#${file.sha256}`, file);
      continue;
    }
    requireWithin(isThere(pattern) ? pattern : unescaped(pattern), roots);
    const { found, others } = await match(pattern, ignore);
    for (const [path, reason] of others) leftOut.set(path, reason);
    if (found.length === 0) throw noFiles(pattern, others);
    for (const path of found) paths.add(path);
  }
  for (const path of paths) requireWithin(path, roots);
  const all = [
    ...[...paths].map((path) => ({ path, ...surveyFile({ path }, hasLines(path)) })),
    ...fetched.values(),
  ];
  const root = commonDirectory(all.map(({ path }) => path));
  const files = all.map((file): SourceFile => ({ name: nameIn(root, file.path), ...file }));
  for (const { path } of all) leftOut.delete(path);
  return {
    files: withDistinctNames(files).sort((a, b) => (a.name < b.name ? -1 : 1)),
    notices: describe(leftOut, root),
  };
}

/**
 * One file that each pattern matches, of those that `findFiles` would find. None is read, and the rest of a long list is
 * not looked at.
 * @param roots Directories that they must lie in.
 * @throws DATA_PATH_REFUSED; DATA_NO_FILES when one pattern matches nothing
 */
export async function findOneOfEach(
  patterns: readonly string[],
  roots: Roots = null,
): Promise<string[]> {
  const paths: string[] = [];
  const { wanted, ignore } = parted(patterns.filter((pattern) => !isLocation(pattern)));
  for (const pattern of wanted) {
    requireWithin(isThere(pattern) ? pattern : unescaped(pattern), roots);
    const path = isFile(pattern)
      ? resolve(pattern)
      : (await search(pattern, { dot: false, ignore })).find((each) => reasonOf(each) === null);
    if (path === undefined) throw noFiles(pattern, (await match(pattern, ignore)).others);
    requireWithin(path, roots);
    paths.push(path);
  }
  return paths;
}

function noFiles(pattern: string, others: ReadonlyMap<string, Reason>): RingmasterError {
  const reasons = describe(others, commonDirectory([...others.keys()]));
  return new RingmasterError('DATA_NO_FILES', { patterns: pattern, reasons });
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true;
const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** A pattern without the backslashes that take its special characters as they are. */
const unescaped = (pattern: string): string => pattern.replace(/\\(.)/g, '$1');

interface Matches {
  readonly found: readonly string[];
  readonly others: ReadonlyMap<string, Reason>;
}

/** Whether a pattern leaves out files that others find: it begins with `!`, and is no file's path. */
export const leavesOut = (pattern: string): boolean => pattern.startsWith('!') && !isThere(pattern);

/** The pattern of what is left out: a path stands for itself, and a folder for all that is in it. */
function leftOutBy(pattern: string): string {
  if (!isThere(pattern)) return pattern;
  return isFile(pattern) ? escapePath(pattern) : `${escapePath(pattern)}/**`;
}

/** @throws DATA_NO_FILES where all of them leave out */
function parted(patterns: readonly string[]) {
  const wanted = patterns.filter((pattern) => !leavesOut(pattern));
  const ignore = patterns.filter(leavesOut).map((pattern) => leftOutBy(pattern.slice(1)));
  if (wanted.length === 0 && ignore.length > 0) throw noFiles(patterns.join(', '), new Map());
  return { wanted, ignore };
}

async function match(pattern: string, ignore: string[]): Promise<Matches> {
  if (isFile(pattern)) return { found: [resolve(pattern)], others: new Map() };
  const visible = new Set(await search(pattern, { dot: false, ignore }));
  const others = new Map<string, Reason>();
  for (const path of await search(pattern, { dot: true, ignore })) {
    const reason = reasonOf(path) ?? (visible.has(path) ? null : 'hidden');
    if (reason !== null) others.set(path, reason);
  }
  return { found: [...visible].filter((path) => !others.has(path)), others };
}

/** Paths that a pattern matches; of a directory, all under it. */
async function search(pattern: string, options: GlobOptions): Promise<string[]> {
  const all = { ...options, absolute: true, fs: linksAreFiles };
  const isDirectory = statSync(pattern, { throwIfNoEntry: false })?.isDirectory() === true;
  const paths = await (isDirectory ? glob('**', { ...all, cwd: pattern }) : glob(pattern, all));
  return paths.map((path) => resolve(path));
}

/** As the platform's, but a link that leads nowhere is a file like others, so that it is found. */
const linksAreFiles = {
  realpath: (path: string, done: (error: null, resolved: string) => void) => {
    realpath(path, (error, resolved) => {
      done(null, error === null ? resolved : path);
    });
  },
  stat: (path: string, done: (error: NodeJS.ErrnoException | null, stats: Stats) => void) => {
    stat(path, (error, stats) => {
      if (error === null) done(null, stats);
      else lstat(path, done);
    });
  },
} as FileSystemAdapter;

/** Why a path that matches is not read although it is visible; null when it is. */
function reasonOf(path: string): Reason | null {
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) return 'dangling';
  if (!target.isFile()) return 'special';
  return isJobFile(path) ? 'job' : null;
}

/** Whether a file is one that `ringmaster submit` reads: the folder of the data often is that of the job file. */
function isJobFile(path: string): boolean {
  if (!/\.(ya?ml|json)$/i.test(path)) return false;
  const LARGEST = 1024 * 1024;
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? Infinity) > LARGEST) return false;
  const text = readFileSync(path, 'utf8');
  const has = (key: string, value: string) =>
    new RegExp(`^[ {]*(["']?)${key}\\1 *: *${value}`, 'm').test(text) ||
    new RegExp(`[{,]\\s*"${key}" *: *${value}`).test(text);
  return has('kind', `["']?(?:pretrain|finetune|evaluate|sweep|crossval)\\b`) && has('data', '');
}

function commonDirectory(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => dirname(asPath(path)).split(sep));
  let depth = first.length;
  for (const parts of others) {
    let shared = 0;
    while (shared < depth && parts[shared] === first[shared]) shared++;
    depth = shared;
  }
  return first.slice(0, depth).join(sep) || sep;
}

const nameIn = (root: string, path: string): string =>
  relative(root, asPath(path)).split(sep).join('/');

/** Files of which several have one name are told apart by what is in them: their names have its SHA-256 behind. */
function withDistinctNames(files: readonly SourceFile[]): SourceFile[] {
  const [seen, several] = [new Set<string>(), new Set<string>()];
  for (const { name } of files) (seen.has(name) ? several : seen).add(name);
  return files.map((file) =>
    several.has(file.name) ? { ...file, name: `${file.name}#${file.sha256}` } : file,
  );
}

const SHOWN = 3;
const sentences: Readonly<Record<Reason, (files: string) => string>> = {
  hidden: (files) => `left out as hidden: ${files}`,
  dangling: (files) => `left out as links that lead nowhere: ${files}`,
  special: (files) => `left out, for they are no files: ${files}`,
  job: (files) => `left out as job files: ${files}`,
};

function describe(leftOut: ReadonlyMap<string, Reason>, root: string): string[] {
  return (['hidden', 'dangling', 'special', 'job'] as const).flatMap((reason) => {
    const names = [...leftOut]
      .filter(([, why]) => why === reason)
      .map(([path]) => nameIn(root, path))
      .sort((a, b) => (a < b ? -1 : 1));
    if (names.length === 0) return [];
    const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
    return [sentences[reason](names.slice(0, SHOWN).join(', ') + more)];
  });
}
