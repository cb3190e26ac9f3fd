import http from 'node:http';
import https from 'node:https';
import { expect, onTestFinished, test } from 'vitest';
import { call, rawServer } from './columns.js';

/** Puts a global agent in place until the end of the test, and counts what it is asked for. */
function replace(agent: http.Agent & { asked: number }): void {
  const before = http.globalAgent;
  http.globalAgent = agent;
  onTestFinished(() => {
    http.globalAgent = before;
    agent.destroy();
  });
}

function watched(agent: http.Agent): http.Agent & { asked: number } {
  const counting = Object.assign(agent, { asked: 0 });
  agent.on('free', () => {
    counting.asked++;
  });
  return counting;
}

async function target(): Promise<string> {
  const server = await rawServer((response) => response.end('{}'));
  onTestFinished(() => server.close());
  return server.url;
}

class OwnAgent extends http.Agent {}

test.each([
  ['with a setting', new http.Agent({ keepAlive: true, maxSockets: 3 })],
  ['of a class of its own', new OwnAgent({ keepAlive: true })],
])('a global agent %s carries the calls', async (_what, given) => {
  const agent = watched(given);
  replace(agent);
  expect(await call('undici', await target(), { url: '/' })).toMatchObject({ status: 200, maybeSent: true });
  expect(agent.asked).toBe(1);
});

test('with the default global agent, calls use undici', async () => {
  const agent = watched(new http.Agent({ keepAlive: true, timeout: 5_000 }));
  replace(agent);
  expect(await call('undici', await target(), { url: '/' })).toMatchObject({ status: 200, maybeSent: true });
  expect(agent.asked).toBe(0);
});

test('a global agent for https counts too', async () => {
  const before = https.globalAgent;
  https.globalAgent = new https.Agent({ keepAlive: true, rejectUnauthorized: true });
  const agent = watched(new http.Agent({ keepAlive: true }));
  replace(agent);
  onTestFinished(() => {
    https.globalAgent = before;
  });
  expect(await call('undici', await target(), { url: '/' })).toMatchObject({ status: 200 });
  expect(agent.asked).toBe(1);
});
