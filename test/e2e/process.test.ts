import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import { freePort } from '../helpers/free-port.js';
import { startSandbox, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';

interface Ended {
  code: number | null;
  output: string;
}

/** Runs a program of test/e2e/programs to its end. */
function run(
  program: string,
  env: Record<string, string>,
  told: (output: string) => void = () => undefined,
): Promise<Ended> {
  const path = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', path], {
    env: { ...process.env, MOOV_ORIGIN: 'https://app.example.com', ...env },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
    told(output);
  });
  child.stderr?.on('data', (chunk) => {
    output += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

const key = { MOOV_CLIENT_ID: 'sandbox-public-key', MOOV_CLIENT_SECRET: 'sandbox-secret-key' };

const tokenKey = Buffer.alloc(32, 7).toString('base64');

describe('a program', () => {
  it('that awaits ready() against an endpoint that comes up 3 s later exits 0', async () => {
    const port = await freePort();
    const sandbox = createMoovSandbox();
    onTestFinished(() => sandbox.close());
    const ended = run('ready.ts', { ...key, MOOV_BASE_URL: `http://127.0.0.1:${port}` });
    setTimeout(() => sandbox.listen(port), 3_000);
    expect(await ended).toEqual({ code: 0, output: 'ready, ping 200\n' });
  });

  it('that does not close() exits by itself, long before its token ends', async () => {
    const sandbox = await startSandbox();
    expect(await run('ready.ts', { ...key, MOOV_BASE_URL: sandbox.url })).toEqual({
      code: 0,
      output: 'ready, ping 200\n',
    });
  });

  it.skipIf(redisIsMissing)('that shares its token and ends its Redis client exits by itself', async () => {
    const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
    const env = { ...key, MOOV_BASE_URL: sandbox.url, MOOV_TOKEN_KEY: tokenKey, REDIS_URL: redis.url };
    const programs = [run('redis-store.ts', env), run('redis-store.ts', env)];
    for (const ended of programs) expect(await ended).toEqual({ code: 0, output: 'ready, ping 200\n' });
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  it.skipIf(redisIsMissing)(
    'that ends its client while Redis is down exits too: nothing goes on trying',
    async () => {
      const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
      const env = { ...key, MOOV_BASE_URL: sandbox.url, MOOV_TOKEN_KEY: tokenKey, REDIS_URL: redis.url };
      let ready = false;
      const ended = run('redis-store.ts', { ...env, WAIT_FOR_END: 'yes' }, (output) => {
        ready = output.includes('ready');
      });
      await until(() => ready, 'the program has its token', 50_000);
      await redis.kill();
      expect(await ended).toEqual({ code: 0, output: 'ready, ping 200\n' });
    },
  );

  it('whose start fails is not crashed by it, nor kept running by its probes', async () => {
    const port = await freePort();
    const ended = await run('never-asked.ts', { ...key, MOOV_BASE_URL: `http://127.0.0.1:${port}` });
    expect(ended.code).toBe(0);
    expect(ended.output).toMatch(/^state (starting|failed)\n$/);
  });

  it('whose credentials are missing ends with an error that names the variables', async () => {
    const ended = await run('ready.ts', {
      MOOV_CLIENT_ID: '',
      MOOV_PUBLIC_KEY: '',
      MOOV_BASE_URL: 'http://127.0.0.1:1',
    });
    expect(ended.code).toBe(1);
    expect(ended.output).toContain('MOOV_CLIENT_ID or MOOV_PUBLIC_KEY');
  });
});
