import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Consumer, type Installed, pack, removeAll, repository, run, tarballFiles } from './consumer.js';

// Each of these starts compilers, Jest or npm, and CI has two cores.
const TIMEOUT_MS = 120_000;

let tarball: string;

beforeAll(async () => {
  tarball = await pack();
}, TIMEOUT_MS);

afterAll(removeAll);

describe('the tarball', () => {
  it('holds the two builds, the documents and package.json, and nothing else', async () => {
    const files = await tarballFiles(tarball);
    const top = new Set(files.map((file) => file.split('/')[0]));
    const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'];
    expect([...top].sort()).toEqual([...documents, 'dist', 'docs', 'package.json']);
    expect(files.filter((file) => /^docs\/(?!.+\.(md|svg)$)/.test(file))).toEqual([]);

    const built = files.filter((file) => file.startsWith('dist/'));
    const modules = (build: string) =>
      built
        .filter((file) => file.startsWith(`dist/${build}/`) && file !== 'dist/cjs/package.json')
        .map((file) => file.slice(`dist/${build}/`.length));
    expect(modules('cjs')).toEqual(modules('esm'));
    expect(modules('esm')).toContain('index.d.ts');
    expect(built).toEqual(expect.arrayContaining(['dist/cjs/package.json']));
    expect(built.filter((file) => !/^dist\/(esm|cjs)\/.+\.(js|d\.ts)$/.test(file))).toEqual([
      'dist/cjs/package.json',
    ]);
  });

  it('holds each guide that its README links to', async () => {
    const files = await tarballFiles(tarball);
    const readme = readFileSync(join(repository, 'README.md'), 'utf8');
    const guides = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, file]) => file);
    expect(guides.length).toBeGreaterThan(10);
    expect(guides.filter((file) => !files.includes(String(file)))).toEqual([]);
  });
});

describe.each([
  ['Express 4', { express: 'express4', types: '@types/express4', major: '4' }],
  ['Express 5', { express: 'express', types: '@types/express', major: '5' }],
] satisfies [string, Installed][])('in an empty folder with %s', (_name, installed) => {
  let consumer: Consumer;

  beforeAll(async () => {
    consumer = await Consumer.create(tarball, installed);
  }, TIMEOUT_MS);

  /** Runs to its own end: a process that does not end by itself is killed, and fails. */
  async function ends(file: string, output = 'done\n'): Promise<void> {
    expect(await run(process.execPath, [file], consumer.folder)).toEqual({ end: 0, output });
  }

  it(
    'has that Express, and the package as it was packed',
    () => {
      expect(consumer.version('express').split('.')[0]).toBe(installed.major);
      expect(consumer.version('@types/express').split('.')[0]).toBe(installed.major);
      expect(consumer.packageOf('express-moov-auth/dist/cjs')).toEqual({ type: 'commonjs' });
    },
    TIMEOUT_MS,
  );

  it(
    'has its command',
    async () => {
      const { bin } = consumer.packageOf('express-moov-auth');
      const file = join(
        'node_modules/express-moov-auth',
        String(Reflect.get(Object(bin), 'express-moov-auth')),
      );
      const ended = await run(process.execPath, [file, '--version'], consumer.folder);
      expect(ended).toEqual({ end: 0, output: expect.stringMatching(/^express-moov-auth \d+\.\d+\.\d+\n$/) });
    },
    TIMEOUT_MS,
  );

  it('works from an ES module', () => ends('consumer.mjs'), TIMEOUT_MS);

  it('works from CommonJS', () => ends('consumer.cjs'), TIMEOUT_MS);

  // Each kind is a program of its own, as Axios's types for the one are not those for the other.
  it.each(['mjs', 'cjs'])(
    'is typed, strictly and with the library files checked: .%s',
    async (kind) => {
      const tsc = join(repository, 'node_modules/typescript/bin/tsc');
      const checked = await run(process.execPath, [tsc, '-p', `tsconfig.${kind}.json`], consumer.folder);
      expect(checked).toEqual({ end: 0, output: '' });
      await ends(`out/typed.${kind}`);
    },
    TIMEOUT_MS,
  );

  // What follows has nothing to do with Express.
  if (installed.major === '4') return;

  it(
    'works under Jest',
    async () => {
      const jest = join(repository, 'node_modules/jest/bin/jest.js');
      const flags = ['--rootDir', consumer.folder, '--cacheDirectory', `${consumer.folder}/.jest`];
      const { end, output } = await run(
        process.execPath,
        [jest, ...flags, '--watchman=false', '--ci', '--runInBand'],
        consumer.folder,
      );
      expect(end, output).toBe(0);
      expect(output).toMatch(/^Tests: +2 passed, 2 total$/m);
    },
    TIMEOUT_MS,
  );

  it(
    'may be loaded as an ES module and as CommonJS in one process',
    () => ends('both-builds.mjs'),
    TIMEOUT_MS,
  );

  it(
    'has the command sandbox',
    async () => {
      const bin = join(consumer.folder, 'node_modules/express-moov-auth/dist/esm/cli/bin.js');
      const wrong = await run(process.execPath, [bin, 'sandbox', '--seed', 'none.json'], consumer.folder);
      expect(wrong.end).toBe(2);
      expect(wrong.output).toContain('--seed none.json: ENOENT');
    },
    TIMEOUT_MS,
  );

  it('does nothing when it is imported', () => ends('import-only.mjs', ''), TIMEOUT_MS);

  it.each([
    "import('express-moov-auth')",
    "import('express-moov-auth/sandbox')",
    "require('express-moov-auth')",
  ])(
    'ends by itself after %s',
    async (expression) => {
      const ended = await run(process.execPath, ['-e', expression], consumer.folder);
      expect(ended).toEqual({ end: 0, output: '' });
    },
    TIMEOUT_MS,
  );

  // The last one, as it adds what the others do without.
  it(
    'has Moov’s SDK, once that is installed, from an ES module and from CommonJS, and typed',
    async () => {
      const without = await run(process.execPath, ['sdk.mjs'], consumer.folder);
      expect(without.end).toBe(1);
      expect(without.output).toMatch(/Cannot find (package|module) '@moovio\/sdk'/);
      consumer.add('@moovio/sdk');
      await ends('sdk.mjs');
      await ends('sdk.cjs');
      const tsc = join(repository, 'node_modules/typescript/bin/tsc');
      const checked = await run(process.execPath, [tsc, '-p', 'tsconfig.sdk.json'], consumer.folder);
      expect(checked).toEqual({ end: 0, output: '' });
    },
    TIMEOUT_MS,
  );
});
