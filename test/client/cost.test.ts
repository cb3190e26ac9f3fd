import { createHook } from 'node:async_hooks';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import axios, { AxiosHeaders, type AxiosInstance } from 'axios';
import { type MoovAuthOptions, moovAuth } from 'express-moov-auth';
import { expect, it, onTestFinished } from 'vitest';
import { hideRequestBody, hideResponseBody } from '../../src/client/private-bodies.js';
import { full } from '../helpers/full.js';

// What a call costs, in counts, which no busy machine changes; and against bare Axios, with a wide margin. As users
// have it: the build, and a server in a process of its own. The figures proper are those of `npm run bench`.

interface Counts {
  tokenRequests: number;
  connections: number;
}

async function start(options: MoovAuthOptions = {}) {
  const upstream = fork(fileURLToPath(new URL('../../bench/compare/upstream.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  });
  onTestFinished(() => {
    upstream.kill();
  });
  const [{ url }]: [{ url: string }] = await messageOf(upstream);
  const moov = moovAuth('/ping.read', {
    clientId: 'bench-public-key',
    clientSecret: 'bench-secret-key',
    origin: 'https://app.example.com',
    baseURL: url,
    ...options,
  });
  onTestFinished(() => moov.close());
  await moov.ready();
  const bare = axios.create({ baseURL: url, headers: { authorization: 'Bearer fixed' } });
  const counts = async (): Promise<Counts> => {
    const answer = messageOf<{ counts: Counts }>(upstream);
    upstream.send('counts');
    return (await answer)[0].counts;
  };
  return { moov, bare, counts };
}

/** The one place where a message is believed to be what it is. */
function messageOf<T>(child: ReturnType<typeof fork>): Promise<[T]> {
  return once(child, 'message') as Promise<[T]>;
}

async function calls(client: AxiosInstance, inFlight: number, until: () => boolean): Promise<number> {
  let done = 0;
  const loop = async () => {
    for (; !until(); done++) await client.get('/ping');
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return done;
}

it('2,000 calls, 50 in flight, are one token request and few connections', async () => {
  const { moov, counts } = await start();
  let left = 2_000;
  await calls(moov.client, 50, () => left-- <= 0);
  const { tokenRequests, connections } = await counts();
  expect(tokenRequests).toBe(1);
  // undici lets a connection rest for a turn of the event loop, and another call begins in it.
  expect(connections).toBeLessThanOrEqual(2 * 50 + 1);
});

it('a call makes few more promises than one of bare Axios', async () => {
  const { moov, bare } = await start();
  const promises = async (client: AxiosInstance): Promise<number> => {
    await client.get('/ping');
    let count = 0;
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PROMISE') count++;
      },
    }).enable();
    for (let call = 0; call < 100; call++) await client.get('/ping');
    hook.disable();
    return count / 100;
  };
  const [ours, theirs] = [await promises(moov.client), await promises(bare)];
  console.log(`promises per call: ${ours}, bare Axios ${theirs}`);
  expect(ours - theirs).toBeLessThanOrEqual(4);
});

it.runIf(full)('calls are at least 1.5 times as fast as those of bare Axios', async () => {
  const { moov, bare } = await start({ retryBudget: false });
  const slice = (client: AxiosInstance) => {
    const end = performance.now() + 200;
    return calls(client, 50, () => performance.now() > end);
  };
  const median = async (): Promise<number> => {
    const ratios: number[] = [];
    for (let round = 0; round < 9; round++) {
      const [ours, theirs] =
        round % 2 === 0
          ? [await slice(moov.client), await slice(bare)]
          : await slice(bare).then(async (first) => [await slice(moov.client), first] as const);
      ratios.push(ours / theirs);
    }
    return ratios.sort((a, b) => a - b)[4] ?? 0;
  };
  await slice(moov.client);
  await slice(bare);
  // A machine that is busy with something else is given another chance.
  let ratio = 0;
  for (let tries = 0; tries < 4 && ratio < 1.5; tries++) ratio = Math.max(ratio, await median());
  console.log(`calls a second to bare Axios: ${ratio.toFixed(2)}`);
  expect(ratio).toBeGreaterThanOrEqual(1.5);
});

it('what hides bodies from logs costs less than 2 µs a call', () => {
  const calls = 10_000;
  const config = { method: 'post', url: '/accounts', data: '{}', headers: new AxiosHeaders(), timeout: 0 };
  const microseconds = (hide: boolean) => {
    const began = performance.now();
    for (let call = 0; call < calls; call++) {
      const own = { ...config };
      const response = { status: 200, statusText: 'OK', headers: {}, config: own, request: {}, data: {} };
      if (!hide) continue;
      hideRequestBody(own);
      hideResponseBody(response);
    }
    return ((performance.now() - began) / calls) * 1_000;
  };
  // What else the machine does only adds to a figure, so the least counts, and a busy machine is given more chances.
  let [hidden, bare] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 100 && (round < 10 || hidden - bare >= 2); round++) {
    hidden = Math.min(hidden, microseconds(true));
    bare = Math.min(bare, microseconds(false));
  }
  console.log(`µs a call to hide bodies: ${(hidden - bare).toFixed(2)}`);
  expect(hidden - bare).toBeLessThan(2);
});
