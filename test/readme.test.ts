import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSandbox } from './helpers/moov.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
// Within the repository, where the package's own name leads to its build.
const folder = join(root, '.tmp', `readme-${process.pid}`);

/** What the blocks without imports, which are parts of a program, stand in. */
const around = (block: string) => `
import express from 'express';
import { idempotencyKey, isMoovCallError, MoovOAuthClient, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
const moov = moovAuth(['/ping.read']);
const app = express().use(moov);
const platformAccountID = 'b1d2c3a4-0000-4000-8000-000000000001';
const merchant = platformAccountID;
const accountOf = (_req: unknown) => merchant;
const requireUser: express.RequestHandler = (_req, _res, next) => next();
const accounts = moovAuth(['/accounts/{accountID}/wallets.read']);
const transferFor = (order: string) => ({ metadata: { order } });
const [path, body, key] = ['/ping', {}, idempotencyKey('x')];
const req = { moov: moov.client };
try {
${block}
} catch (error) {
  // The block that shows an error throws one on.
  if (!isMoovCallError(error)) throw error;
}
await moov.close();
await accounts.close();
void [app, accounts, accountOf, requireUser, MoovOAuthClient, moovErrorHandler, moovPath, platformAccountID, transferFor, path, body, key, req];
`;

const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ''], index) => ({
  name: `block ${index + 1}: ${code.split('\n')[0]}`,
  file: join(folder, `block-${index + 1}.ts`),
  program: code.startsWith('import') ? code : around(code),
}));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, program } of blocks) writeFileSync(file, program);
  const config = {
    extends: join(root, 'tsconfig.json'),
    include: ['*.ts'],
    compilerOptions: { types: ['node'] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program until it ends or says that it listens, which then ends it. */
function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | 'listening' | null; output: string }> {
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  return new Promise((resolve) => {
    const read = (chunk: unknown) => {
      output += String(chunk);
      if (output.includes('listening')) resolve({ code: 'listening', output });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('every code block of the README', () => {
  it.each(blocks)('$name', { timeout: 30_000 }, async ({ file, program }) => {
    const sandbox = await startSandbox();
    const { code, output } = await run(['--import', 'tsx', file], {
      MOOV_CLIENT_ID: sandbox.credentials.clientId,
      MOOV_CLIENT_SECRET: sandbox.credentials.clientSecret,
      MOOV_ORIGIN: sandbox.origins[0] ?? '',
      MOOV_BASE_URL: sandbox.url,
      PORT: '0',
    });
    expect({ code, output }).toMatchObject({
      code: program.includes('app.listen(process.env') ? 'listening' : 0,
    });
  });

  it('is of the right types', { timeout: 60_000 }, async () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(await run([tsc, '-p', folder])).toEqual({ code: 0, output: '' });
  });
});

it('names every npm script it shows', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const shown = [
    ...readme.matchAll(/npm (?:run )?(demo:fleet|demo|test|start|sandbox|examples|soak|fleet|figures)\b/g),
  ].map(([, name]) => name);
  expect(shown.length).toBeGreaterThan(4);
  for (const name of shown) expect(scripts).toHaveProperty(String(name));
});
