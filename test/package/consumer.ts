import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const repository = join(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');
const folders: string[] = [];

/** Which Express, and which types for it: names in the repository's own node_modules. */
export interface Installed {
  express: string;
  types: string;
  major: string;
}

export interface Ended {
  /** The exit code, or the signal that killed it. */
  end: number | string;
  /** What it printed, on both streams. */
  output: string;
}

/** Runs a program to its end, without what npm, Vitest or Moov's variables would tell it. Killed after 100 s. */
export function run(file: string, args: string[], cwd: string): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle)_|MOOV_|NODE_(OPTIONS|ENV|PATH)$|VITEST|JEST_|TEST$|FORCE_COLOR)/i.test(
        name,
      ),
  );
  // NODE_ENV=test, so that failures which a program provokes are not printed.
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1', NODE_ENV: 'test' };
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, timeout: 100_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const end = error === null ? 0 : (error.signal ?? error.code ?? 'not started');
      resolve({ end, output: stdout + stderr });
    });
  });
}

/**
 * Packs the package in a copy of the repository's files: `prepack` has to make `dist` there, so a stale one can't
 * pass, and the one that other tests are using is left alone.
 */
export async function pack(): Promise<string> {
  const folder = temporaryFolder();
  const source = join(folder, 'source');
  mkdirSync(source);
  for (const name of readdirSync(repository)) {
    if (['.git', '.tmp', 'dist', 'coverage', 'node_modules', 'test'].includes(name)) continue;
    cpSync(join(repository, name), join(source, name), { recursive: true });
  }
  link(join(repository, 'node_modules'), join(source, 'node_modules'));
  await succeeds('npm', ['pack', '--offline', '--pack-destination', folder], source);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball.');
  return join(folder, tarball);
}

/** The files in a tarball of npm's, without the `package/` before each. */
export async function tarballFiles(tarball: string): Promise<string[]> {
  const listed = await succeeds('tar', ['-tzf', tarball], dirname(tarball));
  return listed
    .trim()
    .split('\n')
    .map((line) => line.replace(/^package\//, ''))
    .sort();
}

/** A folder outside the repository in which the tarball is installed. */
export class Consumer {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Installs by hand what npm would: the tarball unpacked, and beside it what its package.json declares, linked from
   * the repository's node_modules.
   *
   * `npm install --offline` would ask for less code, but it lives on npm's cache, and a clean checkout need not have
   * one: `npm ci` may have run in a cached layer, or with another cache folder. The tests may use no network, so this
   * is the way that works everywhere. With `PACKAGE_TEST_INSTALL=npm` npm does install it, from its registry, as CI
   * does once.
   */
  static async create(tarball: string, installed: Installed): Promise<Consumer> {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    if (process.env.PACKAGE_TEST_INSTALL === 'npm') {
      await installWithNpm(folder, tarball, installed);
    } else {
      await installByHand(folder, tarball, installed);
    }
    cpSync(fixtures, folder, { recursive: true });
    for (const kind of ['mts', 'cts']) cpSync(join(fixtures, 'typed.ts'), join(folder, `typed.${kind}`));
    rmSync(join(folder, 'typed.ts'));
    return new Consumer(folder);
  }

  /** The package.json at a place in node_modules. */
  packageOf(name: string): Record<string, unknown> {
    return readPackage(join(this.folder, 'node_modules', name));
  }

  /** Installs a package that is not declared, or an optional peer, as the application would. */
  add(name: string): void {
    link(join(repository, 'node_modules', name), join(this.folder, 'node_modules', name));
  }

  version(name: string): string {
    return String(this.packageOf(name).version);
  }
}

async function installByHand(folder: string, tarball: string, installed: Installed): Promise<void> {
  const own = join(folder, 'node_modules', 'express-moov-auth');
  mkdirSync(own, { recursive: true });
  await succeeds('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'], folder);
  const { dependencies = {} } = readPackage(own) as { dependencies?: Record<string, string> };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    link(join(repository, 'node_modules', name), join(folder, 'node_modules', name));
  }
  link(join(repository, 'node_modules', installed.express), join(folder, 'node_modules', 'express'));
  link(join(repository, 'node_modules', installed.types), join(folder, 'node_modules', '@types', 'express'));
}

async function installWithNpm(folder: string, tarball: string, { major }: Installed): Promise<void> {
  const { devDependencies } = readPackage(repository) as { devDependencies: Record<string, string> };
  const packages = [
    tarball,
    'axios',
    `express@${major}`,
    `@types/express@${major}`,
    `@types/node@${devDependencies['@types/node']}`,
  ];
  await succeeds('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder);
}

function readPackage(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

async function succeeds(file: string, args: string[], cwd: string): Promise<string> {
  const { end, output } = await run(file, args, cwd);
  if (end !== 0) throw new Error(`${file} ${args.join(' ')}: ${end}\n${output}`);
  return output;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'express-moov-auth-'));
  folders.push(folder);
  return folder;
}

export function removeAll(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
