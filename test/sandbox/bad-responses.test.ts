import { expect, test } from 'vitest';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { readJson, send } from './helpers.js';

// What can't be sent is a 500 that says why, and never the end of the process.

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

const bad: [object, string][] = [
  [{ status: 99 }, 'status: expected a whole number from 200 to 599; got 99'],
  [{ status: 101 }, 'status: expected'],
  [{ status: 1000 }, 'status: expected'],
  [{ headers: { x: 'a\nb' } }, 'Invalid character in header'],
  [{ headers: { 'a b': 'x' } }, 'Header name must be a valid HTTP token'],
  [{ body: { a: 1n } }, "body: can't be sent as JSON"],
  [{ body: cyclic }, "body: can't be sent as JSON"],
  [{ body: { toJSON: () => undefined } }, "body: can't be sent as JSON"],
  [{ body: 5 }, 'body: expected an object or a string; got 5'],
  [{ body: true }, 'body: expected an object or a string; got a boolean'],
];

test.each(bad)('an endpoint that answers %o is a 500', async (answer, why) => {
  const sandbox = await startSandbox();
  const respond: (...args: never) => unknown = sandbox.respond;
  Reflect.apply(respond, sandbox, ['GET', '/ping', () => answer]);
  const response = await send(sandbox, 'GET', '/ping');
  expect(response.status).toBe(500);
  expect((await readJson<{ error: string }>(response)).error).toContain(why);
  expect(sandbox.requests).toMatchObject([{ status: 500 }]);
});

test.each(bad)('a fault of %o is refused', (answer, why) => {
  const fail: (rule: never) => void = createMoovSandbox().fail;
  const act = () => Reflect.apply(fail, undefined, [{ path: '/ping', status: 200, ...answer }]);
  expect(act).toThrow(TypeError);
  expect(act).toThrow(why);
});

/** An object of so many objects, one in the other. */
function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

test.each([
  [98, 200, ''],
  [99, 400, 'nested deeper than 100 levels'],
  [50_000, 400, 'nested deeper than 100 levels'],
])('an account with %i levels in a profile is a %i', async (depth, status, why) => {
  const sandbox = await startSandbox();
  const before = sandbox.accounts.length;
  const profile = `{"individual":{"name":{"firstName":"A","lastName":"B"}},"x":${nested(depth)}}`;
  const response = await raw(sandbox.url, `{"accountType":"individual","profile":${profile}}`);
  expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(why)]);
  expect(sandbox.accounts).toHaveLength(before + (status === 200 ? 1 : 0));
  expect((await send(sandbox, 'GET', '/accounts')).status).toBe(200);
});

test('the page shows the beginning of a body that is nested deep', async () => {
  const sandbox = await startSandbox();
  const page = await fetch(`${sandbox.url}/_sandbox/events`);
  expect((await raw(sandbox.url, nested(200_000))).status).toBeGreaterThanOrEqual(400);
  let text = '';
  for await (const chunk of page.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes('(nested deeper)')) break;
  }
  expect(text).toContain('(nested deeper)');
});

async function raw(url: string, body: string): Promise<Response> {
  const key = Buffer.from('sandbox-public-key:sandbox-secret-key').toString('base64');
  const headers = { authorization: `Basic ${key}`, 'content-type': 'application/json' };
  return fetch(`${url}/accounts`, { method: 'POST', headers, body });
}
