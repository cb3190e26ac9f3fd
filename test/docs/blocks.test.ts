import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import initSqlJs from 'sql.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { programs } from './block-program.js';
import { guides, readPage, root } from './markdown.js';
import { runProgram } from './run-program.js';

const AT_ONCE = 3;

const blocks = ['README.md', ...guides].flatMap((path) => readPage(path).blocks);
// Within the repository, where the package's own name leads to its build.
const folder = join(root, '.tmp', `docs-${process.pid}`);
const all = programs(blocks).map((program) => ({
  ...program,
  file: join(folder, program.place.replace(/\W+/g, '-')),
}));
const running = all.filter(({ notRun }) => notRun === undefined);

describe('every program in the README and the guides', () => {
  let types: { code: number | null; output: string };
  const results = new Map<(typeof running)[number], Promise<void>>();

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    for (const { file, extension, code } of running) writeFileSync(`${file}.${extension}`, code);
    writeFileSync(join(folder, 'moov_public_key'), 'sandbox-public-key\n');
    writeFileSync(join(folder, 'moov_secret_key'), 'sandbox-secret-key\n');
    types = await compile();
    // A few at a time, while the tests below wait for each in turn.
    const lanes: Promise<void>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
    for (const [index, program] of running.filter(({ needsRedis }) => !needsRedis).entries()) {
      const before = lanes[index % AT_ONCE];
      const result = Promise.resolve(before)
        .catch(() => undefined)
        .then(() => run(program));
      result.catch(() => undefined);
      lanes[index % AT_ONCE] = result;
      results.set(program, result);
    }
  }, 120_000);

  afterAll(async () => {
    await Promise.allSettled(results.values());
    rmSync(folder, { recursive: true, force: true });
  });

  it('compiles', () => {
    expect(types).toEqual({ code: 0, output: '' });
  });

  it.each(running.filter(({ needsRedis }) => !needsRedis))('$name', { timeout: 90_000 }, async (program) => {
    await results.get(program);
  });

  it.skipIf(redisIsMissing).each(running.filter(({ needsRedis }) => needsRedis))('$name', async (program) => {
    const redis = await RedisServer.start();
    await run(program, { REDIS_URL: redis.url });
  });

  it('runs, except for code of libraries that are not installed', () => {
    const require = createRequire(import.meta.url);
    for (const { name, notRun, code } of all.filter((program) => program.notRun !== undefined)) {
      expect(notRun, name).toMatch(/\w+ \w+/);
      const imported = [...code.matchAll(/from '([^.'][^']*)'/g)].map(([, from = '']) => from);
      const missing = imported.filter((from) => {
        try {
          require.resolve(from);
          return false;
        } catch {
          return true;
        }
      });
      expect(missing, `${name} could run`).not.toEqual([]);
    }
  });
});

describe('every other block', () => {
  const packageJSON = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { scripts, name, peerDependencies, dependencies, devDependencies } = packageJSON;
  const packages = [name, ...Object.keys({ ...peerDependencies, ...dependencies, ...devDependencies })];
  const shells = blocks.filter(({ language }) => language === 'sh');

  it('is in a language that these tests check', () => {
    const kinds = [...new Set(blocks.map(({ language }) => language))];
    expect(kinds.filter((kind) => !['ts', 'js', 'cjs', 'sh', 'sql', 'mermaid'].includes(kind))).toEqual([]);
  });

  it('some are shell commands', () => {
    expect(shells.length).toBeGreaterThan(3);
  });

  it.each(blocks.filter(({ language }) => language === 'sql'))(
    'runs, if it is SQL: $place',
    async ({ code }) => {
      const { Database } = await initSqlJs();
      for (const statement of new Database().iterateStatements(code)) statement.step();
    },
  );

  it.each(shells)('names scripts and packages that exist: $place', ({ code }) => {
    for (const [, script = ''] of code.matchAll(/\bnpm run ([\w:-]+)/g))
      expect(scripts).toHaveProperty([script]);
    for (const [, script = ''] of code.matchAll(/\bnpm (start|test)\b/g))
      expect(scripts).toHaveProperty([script]);
    for (const [, list = ''] of code.matchAll(/\bnpm install ([^#\n]+)/g)) {
      for (const one of list.split(' ').filter((word) => /^[@\w]/.test(word)))
        expect(packages).toContain(one);
    }
  });

  it.each(shells)('names commands of this package that exist: $place', async ({ code }) => {
    for (const [, command = ''] of code.matchAll(/\bnpx --no-install express-moov-auth ([\w-]+)/g)) {
      const output = { write: () => true };
      const io = { stdout: output, stderr: output, env: {}, signal: new AbortController().signal };
      expect(await main([command, '--help'], io), command).toBe(0);
    }
  });
});

function run(program: (typeof running)[number], env: Record<string, string> = {}): Promise<void> {
  // What was TypeScript has been compiled.
  return runProgram(program, `${program.file}.${program.extension.replace('ts', 'js')}`, {
    SECRETS_DIR: folder,
    ...env,
  });
}

/** All at once, and not as each is loaded: checking types takes the time anyway. */
async function compile(): Promise<{ code: number | null; output: string }> {
  const config = {
    extends: join(root, 'tsconfig.json'),
    include: ['*.ts'],
    exclude: [],
    compilerOptions: { allowJs: false, types: ['node'], noEmit: false, declaration: false, outDir: '.' },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const child = spawn(process.execPath, [tsc, '-p', folder], { cwd: root });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const output = await text(child.stdout);
  return { code: await ended, output };
}
