import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { ownHosts } from '../../src/sandbox/page/page.js';
import { startSandbox } from '../helpers/moov.js';
import { createTransfer, mint, ORIGIN, requestToken, send } from './helpers.js';

// The page and its endpoints over HTTP; test/e2e/sandbox-page.test.ts has them in a browser.

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: string;
}

/** A request with any header: fetch does not let one set Host. An event stream is read as far as it has come. */
function ask(
  { url }: MoovSandbox,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers }, (response) => {
      const { statusCode: status } = response;
      let text = '';
      const done = () => resolve({ status, headers: response.headers, body: text });
      response.setEncoding('utf8').on('end', done);
      response.on('data', (chunk) => {
        text += chunk;
        if (!text.includes('event: clear')) return;
        done();
        response.destroy();
      });
    });
    outgoing.on('error', reject).end(body);
  });
}

/** The events of a page that has just been opened: one for each request so far. */
async function events(sandbox: MoovSandbox): Promise<string> {
  const { body } = await fetch(`${sandbox.url}/_sandbox/events`);
  let text = '';
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.split('event: exchange').length > sandbox.requests.length) break;
  }
  return text;
}

const html = { accept: 'text/html,application/xhtml+xml' };

test('GET / is a page for a browser, and Moov’s own 401 for an API client', async () => {
  const sandbox = await startSandbox();
  const page = await ask(sandbox, '/', { headers: html });
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(sandbox.requests).toEqual([]);
  expect(await ask(sandbox, '/', { headers: { accept: 'application/json' } })).toMatchObject({
    status: 401,
    body: '',
  });
  expect((await send(sandbox, 'GET', '/')).status).toBe(404);
});

test('the page is allowed its own script and style, and nothing else', async () => {
  const { headers } = await ask(await startSandbox(), '/', { headers: html });
  expect(String(headers['content-security-policy']).split('; ')).toEqual([
    "default-src 'none'",
    expect.stringMatching(/^script-src 'sha256-[\w+/]{43}='$/),
    expect.stringMatching(/^style-src 'sha256-[\w+/]{43}='$/),
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
});

describe('is for this machine alone', () => {
  const endpoints = [
    ['GET', '/'],
    ['GET', '/_sandbox/state'],
    ['GET', '/_sandbox/events'],
    ['POST', '/_sandbox/act'],
  ] as const;
  const rows = endpoints.flatMap(([method, path]) =>
    [
      ['its own address', { host: '127.0.0.1:{port}' }, true],
      ['localhost', { host: 'localhost:{port}', origin: 'http://localhost:{port}' }, true],
      ['the Host of another name (DNS rebinding)', { host: 'evil.example.com:{port}' }, false],
      ['the Host of another port', { host: '127.0.0.1:1' }, false],
      ['the Origin of another page', { origin: 'https://evil.example.com' }, false],
      ['the Origin of another port', { origin: 'http://127.0.0.1:1' }, false],
      ['the other name as Origin', { host: '127.0.0.1:{port}', origin: 'http://localhost:{port}' }, false],
      ['a registered Origin', { origin: ORIGIN }, false],
      ['the Origin "null"', { origin: 'null' }, false],
    ].map(([what, headers, allowed]) => [method, path, what, headers, allowed] as const),
  );

  test.each(rows)('%s %s with %s', async (method, path, _what, given, allowed) => {
    const sandbox = await startSandbox();
    const { port, origin } = new URL(sandbox.url);
    const own = method === 'POST' ? { origin, 'content-type': 'application/json' } : {};
    const headers = Object.fromEntries(
      Object.entries({ ...html, ...own, ...Object(given) }).map(([name, value]) => [
        name,
        String(value).replace('{port}', port),
      ]),
    );
    const body = method === 'POST' ? '{"action":"expireTokens"}' : undefined;
    const answer = await ask(sandbox, path, { method, headers, ...(body === undefined ? {} : { body }) });
    expect(answer.status).toBe(allowed ? (method === 'POST' ? 204 : 200) : 403);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    if (!allowed) expect(answer.body).toMatch(/^Not allowed/);
  });

  test('a preflight of a registered origin is refused, though the API allows it', async () => {
    const sandbox = await startSandbox();
    const headers = { origin: ORIGIN, 'access-control-request-method': 'POST' };
    const page = await ask(sandbox, '/_sandbox/act', { method: 'OPTIONS', headers });
    expect(page.status).toBe(403);
    expect(page.headers).not.toHaveProperty('access-control-allow-methods');
    expect((await ask(sandbox, '/ping', { method: 'OPTIONS', headers })).status).toBe(204);
  });
});

test('at port 80 a Host has no port', () => {
  expect(ownHosts(80)).toEqual(['127.0.0.1', '127.0.0.1:80', 'localhost', 'localhost:80']);
  expect(ownHosts(8080)).toEqual(['127.0.0.1:8080', 'localhost:8080']);
});

test('a page that is opened after many large requests gets the last of them, and stays connected', async () => {
  const sandbox = await startSandbox();
  sandbox.respond('POST', '/big', ({ body }) => ({ body: Object(body) }));
  for (let count = 0; count < 210; count += 1) {
    await send(sandbox, 'POST', '/big', { body: { text: 'x'.repeat(20_000) } });
  }
  const { body } = await fetch(`${sandbox.url}/_sandbox/events`);
  let text = '';
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (text === '') await send(sandbox, 'GET', '/ping?after');
    text += chunk;
    if (text.includes('/ping?after')) break;
  }
  // A request has two events: when it arrives and when it is answered.
  const ids = [...new Set([...text.matchAll(/data: \{"id":(\d+)/g)].map(([, id]) => Number(id)))];
  expect(ids.length).toBeGreaterThan(50);
  expect(ids.slice(0, -1)).toEqual(ids.slice(1).map((id) => id - 1));
  expect(ids.at(-1)).toBe(211);
});

describe('changes', () => {
  async function act(sandbox: MoovSandbox, body: string, type = 'application/json', origin = sandbox.url) {
    const headers = { 'content-type': type, ...(origin === '' ? {} : { origin }) };
    return (await ask(sandbox, '/_sandbox/act', { method: 'POST', headers, body })).status;
  }

  test('that cannot be made are refused with the reason', async () => {
    const sandbox = await startSandbox();
    const headers = { 'content-type': 'application/json', origin: sandbox.url };
    const body = '{"action":"settle","transferID":"x","status":"completed"}';
    const response = await ask(sandbox, '/_sandbox/act', { method: 'POST', headers, body });
    expect(response).toMatchObject({ status: 400, body: 'settle: there is no transfer of that ID.' });
  });

  test('need JSON, and an Origin', async () => {
    const sandbox = await startSandbox();
    const { access_token } = await mint(sandbox);
    const revoke = '{"action":"revokeTokens"}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
      expect(await act(sandbox, revoke, type)).toBe(415);
    }
    expect(await act(sandbox, revoke, 'application/json', '')).toBe(403);
    for (const body of [
      '',
      '{',
      '[]',
      '{"action":"drop"}',
      '{"action":"settle","transferID":"x","status":"completed"}',
    ]) {
      expect(await act(sandbox, body)).toBe(400);
    }
    const headers = { authorization: `Bearer ${access_token}`, origin: ORIGIN };
    expect((await send(sandbox, 'GET', '/ping', { headers })).status).toBe(200);
    expect(await act(sandbox, revoke)).toBe(204);
    expect((await send(sandbox, 'GET', '/ping', { headers })).status).toBe(401);
  });

  test('an outage is for ten seconds', async () => {
    const sandbox = await startSandbox();
    expect(await act(sandbox, '{"action":"outage"}')).toBe(204);
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(503);
    const { body } = await ask(sandbox, '/_sandbox/state');
    expect(JSON.parse(body).faults).toEqual([
      expect.stringMatching(/^All requests: status 503, for (9|10) s more$/),
    ]);
  });
});

test('no secret is in the state or the events', async () => {
  const sandbox = await startSandbox({ clientSecret: 'the-real-secret-key' });
  const secrets = [
    'the-real-secret-key',
    'a-wrong-secret-key',
    '4111111111111111',
    '999888777',
    '0004321567000',
  ];
  const { access_token, refresh_token } = await mint(sandbox, '/accounts.write');
  const account = `/accounts/${sandbox.platformAccountID}`;
  await createTransfer(sandbox, 'k');
  await send(sandbox, 'POST', `${account}/cards`, {
    body: { cardNumber: '4111111111111111', cardCvv: '999', billingAddress: { postalCode: '80301' } },
  });
  await send(sandbox, 'POST', `${account}/bank-accounts`, {
    body: { account: { accountNumber: '0004321567000' } },
  });
  await send(sandbox, 'POST', '/accounts', {
    body: { profile: { individual: { governmentID: { ssn: { full: '999888777' } } } } },
  });
  for (const client_secret of secrets.slice(0, 2)) {
    await requestToken(
      sandbox,
      {
        grant_type: 'client_credentials',
        scope: '/ping.read',
        client_id: 'sandbox-public-key',
        client_secret,
      },
      { authorization: '', origin: ORIGIN },
    );
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: '',
      cookie: client_secret,
    };
    const raw = (body: string, headers: Record<string, string>) =>
      fetch(`${sandbox.url}/oauth2/token?client_secret=${client_secret}`, { method: 'POST', headers, body });
    await raw(`client_id=x&client%5Fsecret=${client_secret}`, form);
    await raw(`{"client_secret": "${client_secret}"`, { ...form, 'content-type': 'application/json' });
    await raw(`client_secret ${client_secret}`, { ...form, 'content-type': 'text/plain' });
  }
  const text = (await ask(sandbox, '/_sandbox/state')).body + (await events(sandbox));
  expect(text).toContain('client_secret');
  expect(text).toContain('cardNumber');
  for (const secret of [
    ...secrets,
    access_token,
    refresh_token,
    btoa('sandbox-public-key:the-real-secret-key'),
  ]) {
    expect(text.includes(secret)).toBe(false);
  }
});
