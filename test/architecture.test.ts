import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

/** The folders and loose files of src/. Each imports only from the lines before its own, and from itself. */
const order = [
  ['errors', 'version'],
  ['utils'],
  ['logging'],
  ['idempotency-key', 'moov-path', 'token-store', 'events'],
  ['config'],
  ['webhooks'],
  ['scopes'],
  ['transports'],
  ['oauth'],
  ['tokens'],
  ['rate-limit'],
  ['client'],
  ['fetch', 'problem'],
  ['express'],
  ['types'],
  ['moov-oauth-client'],
  ['moov-auth'],
  ['redis', 'sdk', 'sandbox'],
  ['cli'],
  ['index'],
];

const MOST_LOOSE_FILES = 12;

/** What each file of src/ imports, by type or not: files of src/ by their paths in it, packages by their names. */
const imports = new Map<string, string[]>();
for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const { importedFiles } = ts.preProcessFile(readFileSync(path, 'utf8'));
  const names = importedFiles.map(({ fileName }) =>
    fileName.startsWith('.') ? inSrc(join(dirname(path), fileName.replace(/\.js$/, '.ts'))) : fileName,
  );
  imports.set(inSrc(path), names);
}

function inSrc(path: string): string {
  return relative('src', path);
}

function importsOf(file: string): string[] {
  return imports.get(file) ?? [];
}

/** The files that lead from one file to a file or a package, if it is reached. */
function pathTo(goal: string, file: string, seen = new Set<string>()): string[] | undefined {
  for (const next of importsOf(file)) {
    if (next === goal) return [file, goal];
    if (seen.has(next)) continue;
    const path = pathTo(goal, next, seen.add(next));
    if (path !== undefined) return [file, ...path];
  }
  return undefined;
}

function unitOf(file: string): string {
  return file.replace(/(\/.*|\.ts)$/, '');
}

function placeOf(file: string): number {
  return order.findIndex((units) => units.includes(unitOf(file)));
}

test('every file of src/ is in a folder, or is one of a few loose files, whose place is known', () => {
  const files = [...imports.keys()];
  expect(files.filter((file) => placeOf(file) === -1)).toEqual([]);
  expect(files.filter((file) => !file.includes('/')).length).toBeLessThanOrEqual(MOST_LOOSE_FILES);
});

test('a folder imports only from the folders before it', () => {
  const against = [...imports].flatMap(([file, imported]) =>
    imported
      .filter((other) => imports.has(other) && unitOf(other) !== unitOf(file))
      .filter((other) => placeOf(other) >= placeOf(file))
      .map((other) => `${file} imports ${other}`),
  );
  expect(against).toEqual([]);
});

test('no file imports itself by way of others', () => {
  expect([...imports.keys()].flatMap((file) => pathTo(file, file)?.join(' > ') ?? [])).toEqual([]);
});

test.each(['webhooks', 'transports', 'oauth', 'tokens'])(
  '%s/ knows nothing of Express, not by type either',
  (folder) => {
    const files = [...imports.keys()].filter((file) => unitOf(file) === folder);
    expect(files).not.toEqual([]);
    expect(files.flatMap((file) => pathTo('express', file)?.join(' > ') ?? [])).toEqual([]);
  },
);

test('the package does not load the sandbox', () => {
  expect(pathTo('sandbox/index.ts', 'index.ts')).toBeUndefined();
});

test('the documents name files of src/ and test/ that there are', () => {
  const documents = [
    'CONTRIBUTING.md',
    'SECURITY.md',
    'README.md',
    ...readdirSync('docs').map((name) => join('docs', name)),
  ];
  const named = documents
    .filter((document) => document.endsWith('.md'))
    .flatMap((document) => readFileSync(document, 'utf8').match(/`(src|test)\/[\w./-]+`/g) ?? [])
    .map((name) => name.slice(1, -1));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !existsSync(name))).toEqual([]);
});
