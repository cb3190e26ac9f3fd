import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../helpers/moov.js';

const repository = join(import.meta.dirname, '../..');
const modules = ['index', 'other', 'cli/bin'];

/** In the place of tsc, which takes seconds: writes one module after the other, slowly, and has one type error. */
const compiler = `
const { mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const out = process.argv[process.argv.indexOf('--outDir') + 1];
for (const file of readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.ts'))) {
  const code = readFileSync(join('src', file), 'utf8');
  if (code.includes('"')) {
    console.log('src/' + file + ': error TS2322');
    process.exit(2);
  }
  const path = join(out, file.replace('.ts', '.js'));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}
`;

/** A project with the build script and the settings of this one, and a few modules that export a version. */
class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'build-'));
  readonly dist = join(this.folder, 'dist');
  readonly lock = join(this.folder, '.tmp/build/lock');

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(join(this.folder, 'src/cli'), { recursive: true });
    for (const name of ['scripts', 'tsconfig.json', 'tsconfig.esm.json', 'tsconfig.cjs.json', 'package.json'])
      cpSync(join(repository, name), join(this.folder, name), { recursive: true });
    const tsc = join(this.folder, 'node_modules/typescript/bin/tsc');
    mkdirSync(dirname(tsc), { recursive: true });
    writeFileSync(tsc, compiler);
    // Its modules are no entries of the package.
    writeFileSync(join(this.folder, 'scripts/bundle.js'), '');
  }

  write(version: number): void {
    for (const name of modules)
      writeFileSync(join(this.folder, `src/${name}.ts`), `export const version = ${version};\n`);
  }

  build(): { child: ChildProcess; ended: Promise<{ code: number | null; printed: string }> } {
    const child = spawn(process.execPath, [join(this.folder, 'scripts/build.js')], {
      // In a group of its own, which a test can end with its compilers.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const code = new Promise<number | null>((resolve) => child.on('close', resolve));
    const printed = Promise.all([text(child.stdout), text(child.stderr)]);
    const ended = Promise.all([code, printed]).then(([end, streams]) => ({
      code: end,
      printed: streams.join(''),
    }));
    return { child, ended };
  }

  /** The versions that the files of `dist` have, each once; what is missing is `undefined`. */
  versions(): (string | undefined)[] {
    const found = ['esm', 'cjs'].flatMap((kind) =>
      modules.map((name) => this.#version(join(this.dist, kind, `${name}.js`))),
    );
    return [...new Set(found)];
  }

  #version(file: string): string | undefined {
    return /version = (\d+)/.exec(this.read(file) ?? '')?.[1];
  }

  read(file: string): string | undefined {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  }
}

test('builds at once leave one whole build, and a reader meanwhile sees the old one or the new one', async () => {
  const project = new Project();
  project.write(1);
  expect(await project.build().ended).toEqual({ code: 0, printed: 'Building…\n' });
  expect(project.versions()).toEqual(['1']);

  let building = true;
  const halfBuilt: unknown[] = [];
  const seen = new Set<string | undefined>();
  const reader = (async () => {
    const stamp = () => project.read(join(project.dist, 'inputs.sha256'));
    while (building) {
      const before = stamp();
      const versions = project.versions();
      // Reading takes time: the build that was read is known only if it was not replaced meanwhile.
      if (before !== undefined && before === stamp()) {
        if (versions.length !== 1 || versions[0] === undefined) halfBuilt.push(versions);
        seen.add(versions[0]);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (const version of [2, 3]) {
    project.write(version);
    const builds = await Promise.all([project.build().ended, project.build().ended, project.build().ended]);
    for (const { code } of builds) expect(code).toBe(0);
    expect(project.versions()).toEqual([String(version)]);
  }
  building = false;
  await reader;
  expect(halfBuilt).toEqual([]);
  expect([...seen]).toEqual(['1', '2', '3']);
  expect(readdirSync(join(project.folder, '.tmp/build'))).toEqual([]);
});

test('a build does nothing if nothing has changed, and rebuilds without what was deleted', async () => {
  const project = new Project();
  project.write(1);
  await project.build().ended;
  const { ino } = statSync(project.dist);
  // The same contents with a new time, as a checkout leaves them.
  project.write(1);
  expect(await project.build().ended).toEqual({ code: 0, printed: '' });
  expect(statSync(project.dist).ino).toBe(ino);

  rmSync(join(project.folder, 'src/other.ts'));
  expect(await project.build().ended).toEqual({ code: 0, printed: 'Building…\n' });
  expect(existsSync(join(project.dist, 'esm/other.js'))).toBe(false);
  expect(readdirSync(join(project.dist, 'cjs')).sort()).toEqual(['cli', 'index.js', 'package.json']);
});

test('the command can be run as it was built', async () => {
  const project = new Project();
  project.write(1);
  await project.build().ended;
  expect(statSync(join(project.dist, 'esm/cli/bin.js')).mode & 0o111).toBe(0o111);
});

test('a build that fails leaves the last one, and one that is killed does not stop the next', async () => {
  const project = new Project();
  project.write(1);
  await project.build().ended;
  writeFileSync(join(project.folder, 'src/index.ts'), 'export const version = "two";\n');
  const failed = await project.build().ended;
  expect(failed.code).not.toBe(0);
  expect(failed.printed).toMatch(/src\/index\.ts: error TS2322/);
  expect(project.versions()).toEqual(['1']);

  project.write(3);
  const killed = project.build();
  await until(() => existsSync(project.lock), 'the build has begun');
  process.kill(-Number(killed.child.pid), 'SIGKILL');
  await killed.ended;
  expect(existsSync(project.lock)).toBe(true);
  expect(project.versions()).toEqual(['1']);

  expect((await project.build().ended).code).toBe(0);
  expect(project.versions()).toEqual(['3']);
  expect(readdirSync(join(project.folder, '.tmp/build'))).toEqual([]);
});
