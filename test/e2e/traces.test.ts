import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Attributes, type Link, SpanKind, type SpanStatus } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MoovAuthOptions } from '../../src/index.js';
import { found, needlesOf } from '../security/secrets.js';
import { type FakeMoov, json, newSecret, startFakeMoov } from '../security/servers.js';

/** One program for each row. Options go to it as JSON. */
const rows: readonly (readonly [name: string, options: MoovAuthOptions])[] = [
  ['the default transport, undici', {}],
  ['the transport axios', { transport: 'axios' }],
  [
    'the default transport, the key in the body, renewal by refresh token',
    { clientAuth: 'body', renewWith: 'refresh_token' },
  ],
];

interface Span {
  traceId: string;
  spanId: string;
  parent?: { spanId: string; isRemote?: boolean };
  name: string;
  kind: SpanKind;
  attributes: Attributes;
  events: { name: string; attributes?: Attributes }[];
  links: Link[];
  status: SpanStatus;
}

const path = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** A traced server in front of a fake Moov, as a process of its own, which the end of the test stops. */
async function start(options: MoovAuthOptions) {
  const fake = await startFakeMoov();
  const tokenRequests: IncomingMessage[] = [];
  const issue = fake.token;
  fake.token = (request, response) => {
    tokenRequests.push(request);
    issue(request, response);
  };
  const key = { clientId: newSecret(), clientSecret: newSecret() };
  const given = { baseURL: fake.url, origin: 'https://app.example.com', ...key, ...options };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--import', path('instrumented.ts'), path('traced.ts')],
    {
      env: { ...process.env, OPTIONS: JSON.stringify(given) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const { port } = await message<{ port: number }>(child);
  const secrets = () => [
    { name: 'client id', value: key.clientId },
    { name: 'client secret', value: key.clientSecret },
    { name: 'Basic header', value: basic(key) },
    ...fake.issued,
  ];
  return {
    fake,
    tokenRequests,
    secrets,
    ask: (route: string) => ask(port, route),
    spans: () => spansOf(child),
  };
}

/** RFC 6749 section 2.3.1: each half is form-encoded first. */
function basic({ clientId, clientSecret }: { clientId: string; clientSecret: string }): string {
  const encoded = [clientId, clientSecret].map((half) =>
    new URLSearchParams([['', half]]).toString().slice(1),
  );
  return Buffer.from(encoded.join(':')).toString('base64');
}

/** The one place where a message is believed to be what a test says it is. */
async function message<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`The program ended with ${code}`);
  });
  const [received] = await Promise.race([once(child, 'message'), ended]);
  return received as T;
}

/** A request with a trace of its own, as a traced browser or proxy sends it. */
async function ask(port: number, route: string): Promise<{ status: number; traceId: string }> {
  const traceId = randomBytes(16).toString('hex');
  const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
  const response = await fetch(`http://127.0.0.1:${port}${route}`, { headers });
  await response.arrayBuffer();
  return { status: response.status, traceId };
}

/** All spans, once those of every server have ended: they do shortly after the client has the reply. */
async function spansOf(child: ChildProcess): Promise<Span[]> {
  child.send('spans');
  return (await message<{ spans: Span[] }>(child)).spans;
}

const isClient = ({ kind }: Span) => kind === SpanKind.CLIENT;
const isServer = ({ kind }: Span) => kind === SpanKind.SERVER;
const urlOf = ({ attributes }: Span) => String(attributes['url.full'] ?? attributes['http.url']);
const isOAuth = (span: Span) => isClient(span) && new URL(urlOf(span)).pathname.startsWith('/oauth2/');
const statusOf = ({ attributes }: Span) =>
  attributes['http.response.status_code'] ?? attributes['http.status_code'];

/** The spans above one, the nearest first, as far as this process made them. */
function above(span: Span, spans: readonly Span[]): Span[] {
  const parent = spans.find(
    ({ traceId, spanId }) => traceId === span.traceId && spanId === span.parent?.spanId,
  );
  return parent === undefined ? [] : [parent, ...above(parent, spans)];
}

/** What the server's span of a trace has below it at Moov: the status of each call, in order. */
function callsOf(traceId: string, spans: readonly Span[]): unknown[] {
  const server = spans.filter((span) => isServer(span) && span.traceId === traceId);
  expect(server).toHaveLength(1);
  const clients = spans.filter((span) => isClient(span) && span.traceId === traceId);
  for (const client of clients) expect(above(client, spans)).toContain(server[0]);
  return clients.map(statusOf);
}

/** Each token request is a span, and a trace of its own. */
function expectOwnTraces(spans: readonly Span[], tokenRequests: readonly IncomingMessage[]): void {
  const mints = spans.filter(isOAuth);
  expect(mints).toHaveLength(tokenRequests.length);
  for (const mint of mints) {
    expect(mint.parent).toBeUndefined();
    expect(mint.links).toEqual([]);
    expect(spans.filter(({ traceId }) => traceId === mint.traceId)).toEqual([mint]);
  }
  const sent = tokenRequests.map(({ headers }) => headers.traceparent);
  expect(sent.sort()).toEqual(mints.map(traceparent).sort());
}

const traceparent = ({ traceId, spanId }: Span) => `00-${traceId}-${spanId}-01`;

/** As a revocation does: every token issued until now is refused. */
function refuseHeld(fake: FakeMoov): void {
  const answer = fake.api;
  const revoked = fake.issued.map(({ value }) => `Bearer ${value}`);
  fake.api = (request, response) => {
    if (revoked.includes(request.headers.authorization ?? '')) response.writeHead(401).end();
    else answer(request, response);
  };
}

describe.each(rows)('traces, with %s:', (_name, options) => {
  it('a request is a server span with its calls to Moov below, and a renewal is a separate trace', async () => {
    const { fake, tokenRequests, ask, spans } = await start(options);
    const plain = await ask('/ping');
    refuseHeld(fake);
    const renewed = await ask('/ping');
    const lazy = await ask('/lazy');
    refuseHeld(fake);
    const storm = await Promise.all(Array.from({ length: 5 }, () => ask('/ping')));
    for (const { status } of [plain, renewed, lazy, ...storm]) expect(status).toBe(200);

    await expect.poll(async () => (await spans()).filter(isServer).length).toBe(8);
    const all = await spans();
    expect(callsOf(plain.traceId, all)).toEqual([200]);
    expect(callsOf(renewed.traceId, all)).toEqual([401, 200]);
    expect(callsOf(lazy.traceId, all)).toEqual([200]);
    // Of five calls at once some may come after the renewal, and then were not refused themselves.
    const calls = storm.flatMap(({ traceId }) => callsOf(traceId, all));
    expect(calls.filter((status) => status === 200)).toHaveLength(5);

    // At the start, after a 401, for the scopes of /lazy, and in the storm.
    expect(tokenRequests).toHaveLength(4);
    expectOwnTraces(all, tokenRequests);

    const calling = all.filter((span) => isClient(span) && !isOAuth(span));
    expect(fake.arrivals.map(({ headers }) => headers.traceparent).sort()).toEqual(
      calling.map(traceparent).sort(),
    );
  });

  it('no span holds a secret, whatever goes wrong', async () => {
    const { fake, tokenRequests, secrets, ask, spans } = await start({
      // Long enough for a busy machine; the one request that gets no answer waits for all of it.
      timeoutMs: 6_000,
      attemptTimeoutMs: 2_000,
      ...options,
    });
    const statuses = [(await ask('/ping')).status];
    const answer = fake.api;
    const faults: FakeMoov['api'][] = [
      (_request, response) => response.writeHead(401).end(),
      (_request, response) => response.writeHead(403).end(),
      (request, response) => json(response, 422, { error: request.headers.authorization }),
      (_request, response) => response.writeHead(302, { location: 'https://elsewhere.example.com/' }).end(),
      (request) => request.socket.destroy(),
      () => undefined,
    ];
    for (const fault of faults) {
      fake.api = fault;
      statuses.push((await ask('/ping')).status);
    }
    fake.api = answer;
    fake.token = (request, response) => {
      tokenRequests.push(request);
      json(response, 401, { error: request.headers.authorization });
    };
    statuses.push((await ask('/lazy')).status);
    expect(statuses).toEqual([200, 502, 502, 422, 500, 503, 504, 502]);

    await expect.poll(async () => (await spans()).filter(isServer).length).toBe(8);
    const all = await spans();
    expectOwnTraces(all, tokenRequests);
    expect(all.some(({ events }) => events.some(({ name }) => name === 'exception'))).toBe(true);
    const text = JSON.stringify(all);
    // By the hook of the guide, for undici's instrumentation.
    if (options.transport !== 'axios') expect(text).not.toContain('in-the-query');
    expect(found(text, needlesOf(secrets())).map(({ secret, form }) => `${secret}, ${form}`)).toEqual([]);
  });
});
