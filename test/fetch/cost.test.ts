import { createHook } from 'node:async_hooks';
import { expect, it, onTestFinished } from 'vitest';
import { json, whole } from '../security/servers.js';
import { start } from '../security/start.js';

// What a fetch costs, in counts, which no busy machine changes. The figures proper are those of `npm run bench`.

const made = ['Request', 'Response', 'ReadableStream'] as const;

/** Counts what is made of the platform's classes, until the end of the test. */
function counting(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of made) {
    const original = globalThis[name];
    const counted = new Proxy(original, {
      construct(target, args, newTarget) {
        counts[name] = (counts[name] ?? 0) + 1;
        return Reflect.construct(target, args, newTarget);
      },
    });
    Object.defineProperty(globalThis, name, { value: counted, configurable: true, writable: true });
    onTestFinished(() => {
      Object.defineProperty(globalThis, name, { value: original, configurable: true, writable: true });
    });
  }
  return counts;
}

/** Promises made by one call, on average. */
async function promisesOf(call: () => Promise<unknown>): Promise<number> {
  await call();
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') count++;
    },
  }).enable();
  for (let done = 0; done < 50; done++) await call();
  hook.disable();
  return count / 50;
}

it('makes no Request, Response or web stream where text or JSON is all that is read', async () => {
  const { moov, fake } = await start();
  fake.api = (request, response) => whole(request, () => json(response, 200, { ok: true }));
  const counts = counting();
  const write = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
  expect(await (await moov.fetch('/x')).json()).toEqual({ ok: true });
  expect(await (await moov.fetch(new URL('/x?a=b', fake.url), write)).text()).toBe('{"ok":true}');
  expect((await moov.fetch('/x', { method: 'DELETE' })).headers.get('content-type')).toBe('application/json');
  expect(counts).toEqual({});
  // What is asked for is made, and seen here.
  expect((await moov.fetch('/x')).body?.locked).toBe(false);
  expect(counts).toEqual({ Response: 1, ReadableStream: 1 });
});

it('makes one web stream of a response that comes in parts, and none for its text', async () => {
  const { moov, fake } = await start();
  fake.api = (_request, response) => {
    response.writeHead(200).write('begun ');
    setTimeout(() => response.end('and ended'), 20);
  };
  const counts = counting();
  expect(await (await moov.fetch('/x')).text()).toBe('begun and ended');
  expect(counts).toEqual({});
  await (await moov.fetch('/x')).body?.cancel();
  expect(counts).toEqual({ Response: 1, ReadableStream: 1 });
});

it('makes few promises: 18, where the platform’s fetch makes 61 and one over a stream 28', async () => {
  const { moov, fake } = await start();
  const ours = await promisesOf(async () => (await moov.fetch('/x')).json());
  const theirs = await promisesOf(async () => (await fetch(`${fake.url}/x`)).json());
  console.log(`promises per fetch: ${ours}, the platform's ${theirs}`);
  expect(ours).toBeLessThanOrEqual(24);
  expect(ours).toBeLessThan(theirs);
});
