import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Handler } from '../security/servers.js';
import { start } from '../security/start.js';

// A Response of moov.fetch beside the platform's own, of the same bytes: whatever is done with them, the same comes of it.

type Use = (response: Response) => unknown;

const form = [
  '--x',
  'content-disposition: form-data; name="a"',
  '',
  'b',
  '--x',
  'content-disposition: form-data; name="f"; filename="f.txt"',
  'content-type: text/plain',
  '',
  'file',
  '--x--',
  '',
].join('\r\n');

function whole(
  body: string | Buffer,
  headers: Record<string, string | string[]> = {},
  status = 200,
): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
}

const bodies: readonly [name: string, handler: Handler][] = [
  ['JSON that comes whole', whole('{"a":["ü",1]}')],
  [
    'JSON that comes in parts',
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":');
      setTimeout(() => response.end('1}'), 20);
    },
  ],
  ['JSON that is packed', whole(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' })],
  ['no JSON', whole('{"a":', {}, 400)],
  ['nothing', whole('')],
  ['no body', whole('', {}, 204)],
  ['a byte order mark', whole('\ufeff{"a":1}')],
  ['bytes that are no UTF-8', whole(Buffer.from([0x22, 0xc3, 0x28, 0xf0, 0x9f, 0x92, 0xff, 0x22]))],
  ['a form', whole(form, { 'content-type': 'multipart/form-data; boundary=x' })],
  ['a URL-encoded form', whole('a=b+c&a=d', { 'content-type': 'application/x-www-form-urlencoded' })],
  ['several cookies', whole('{}', { 'set-cookie': ['a=1', 'b=2'], 'x-list': ['p', 'q'] })],
  ['one MiB', whole(Buffer.alloc(1_048_576, 'x'))],
];

async function entries(given: FormData): Promise<unknown[]> {
  return Promise.all(
    [...given].map(async ([name, value]) => [
      name,
      typeof value === 'string' ? value : [value.name, value.type, await value.text()],
    ]),
  );
}

async function drained(body: ReadableStream<Uint8Array> | null): Promise<string | null> {
  if (body === null) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

async function twice(response: Response, first: string, second: string): Promise<unknown> {
  const before = response.bodyUsed;
  const read = await outcomeOf(() => call(response, first));
  return [
    before,
    read,
    response.bodyUsed,
    await outcomeOf(() => call(response, second)),
    response.body?.locked,
  ];
}

function call(response: Response, name: string): unknown {
  const method: unknown = Reflect.get(response, name);
  return typeof method === 'function' ? Reflect.apply(method, response, []) : method;
}

const uses: readonly [name: string, use: Use][] = [
  ['its status and headers', (r) => [r.status, r.statusText, r.ok, r.redirected, r.url]],
  ['its headers', (r) => [r.headers.get('content-type'), r.headers.getSetCookie(), r.headers.get('x-list')]],
  ['what it is', (r) => [r instanceof Response, String(r), r.bodyUsed, r.body === null]],
  ['text()', (r) => r.text()],
  ['json()', (r) => r.json()],
  ['arrayBuffer()', async (r) => Buffer.from(await r.arrayBuffer()).toString('latin1')],
  ['what arrayBuffer() gives', async (r) => (await r.arrayBuffer()).constructor.name],
  ['bytes()', async (r) => Buffer.from(Object(await call(r, 'bytes'))).toString('latin1')],
  ['blob()', async (r) => [(await r.clone().blob()).type, (await r.blob()).size]],
  ['formData()', async (r) => entries(await r.formData())],
  ['text() twice', (r) => twice(r, 'text', 'text')],
  ['json() after text()', (r) => twice(r, 'text', 'json')],
  ['arrayBuffer() after json()', (r) => twice(r, 'json', 'arrayBuffer')],
  ['blob() after arrayBuffer()', (r) => twice(r, 'arrayBuffer', 'blob')],
  ['text() after formData()', (r) => twice(r, 'formData', 'text')],
  ['clone() after text()', (r) => twice(r, 'text', 'clone')],
  ['text() at once, twice', (r) => Promise.all([outcomeOf(() => r.text()), outcomeOf(() => r.text())])],
  [
    'a clone and itself',
    async (r) => {
      const clone = r.clone();
      return [await clone.text(), await r.text(), clone.bodyUsed, r.bodyUsed, clone.status];
    },
  ],
  ['text() after a look at the body', (r) => r.body && r.text()],
  ['the body as a stream', async (r) => [await drained(r.body), r.bodyUsed]],
  ['text() after the stream', async (r) => [await drained(r.body), await outcomeOf(() => r.text())]],
  ['text() while the stream is locked', (r) => r.body?.getReader() && r.text()],
  [
    'text() after cancel()',
    async (r) => [await r.body?.cancel(), r.bodyUsed, await outcomeOf(() => r.text())],
  ],
  ['another Response of it', (r) => new Response(r.body, r).text()],
];

/** What comes of it: a value, or an error as the platform words it. */
async function outcomeOf(use: () => unknown): Promise<unknown> {
  try {
    const value = await use();
    // Each file of a form has the time at which it was read.
    if (value instanceof FormData) return { form: await entries(value) };
    return value instanceof Response ? 'a Response' : { value };
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error };
    // The platform's message for a body that is not JSON quotes it, and this package's does not.
    return { error: error.name, message: error instanceof SyntaxError ? '' : error.message };
  }
}

describe('a Response of moov.fetch is as the platform’s own', () => {
  it.each(bodies)('with %s', async (_name, handler) => {
    const { moov, fake } = await start();
    fake.api = handler;
    for (const [name, use] of uses) {
      const [ours, theirs] = [await moov.fetch('/x?y=z#part'), await fetch(`${fake.url}/x?y=z#part`)];
      const [got, expected] = [await outcomeOf(() => use(ours)), await outcomeOf(() => use(theirs))];
      expect({ [name]: got }).toEqual({ [name]: expected });
    }
  });

  it('after other methods, and without a body after HEAD', async () => {
    const { moov, fake } = await start();
    fake.api = whole('{"a":1}', { 'x-a': 'b' });
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'REPORT']) {
      for (const [name, use] of uses) {
        const [ours, theirs] = [await moov.fetch('/x', { method }), await fetch(`${fake.url}/x`, { method })];
        const [got, expected] = [await outcomeOf(() => use(ours)), await outcomeOf(() => use(theirs))];
        expect({ [`${method}, ${name}`]: got }).toEqual({ [`${method}, ${name}`]: expected });
      }
    }
  });
});

describe('requests of moov.fetch are as the platform’s own', () => {
  const inits: readonly [name: string, init: () => RequestInit][] = [
    ['nothing', () => ({})],
    ['headers of every form', () => ({ headers: new Headers({ 'X-A': ' b ', accept: 'text/plain' }) })],
    [
      'pairs of headers',
      () => ({
        headers: [
          ['x-a', 'b'],
          ['X-A', 'c'],
        ],
      }),
    ],
    ['text', () => ({ method: 'POST', body: 'grüße \ud800' })],
    [
      'text with a type',
      () => ({ method: 'PATCH', body: '{}', headers: { 'Content-Type': 'application/json' } }),
    ],
    ['empty text', () => ({ method: 'POST', body: '' })],
    ['bytes', () => ({ method: 'PUT', body: Buffer.from('bytes') })],
    ['bytes of another view', () => ({ method: 'PUT', body: new Uint16Array([1, 2]) })],
    ['a method in lower case', () => ({ method: 'post', body: 'x' })],
    ['a DELETE with a body', () => ({ method: 'DELETE', body: 'x' })],
    ['fields of a form', () => ({ method: 'POST', body: new URLSearchParams({ a: 'ü' }) })],
    ['a Blob', () => ({ method: 'POST', body: new Blob(['x'], { type: 'text/x' }) })],
    ['a method that is none', () => ({ method: 'a b' })],
    ['a header that is none', () => ({ headers: { 'a b': 'c' } })],
    ['a value that no header can have', () => ({ headers: { a: 'b\nc' } })],
    ['a body of a GET', () => ({ body: 'x' })],
    ['a body of a HEAD', () => ({ method: 'HEAD', body: Buffer.from('x') })],
  ];

  it.each(inits)('with %s', async (_name, init) => {
    const { moov, fake } = await start();
    const arrived: string[] = [];
    fake.api = async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      arrived.push(Buffer.concat(chunks).toString('latin1'));
      response.writeHead(200).end();
    };
    for (const input of ['/x', new URL(`${fake.url}/x`)]) {
      const before = fake.arrivals.length;
      const ours = await outcomeOf(async () => (await moov.fetch(input, init())).status);
      const theirs = await outcomeOf(async () => (await fetch(new URL(input, fake.url), init())).status);
      expect(ours).toEqual(theirs);
      const [own, platforms] = fake.arrivals.slice(before).map(({ method, headers }) => ({
        method,
        ...pick(headers, ['accept', 'content-type', 'content-length', 'x-a']),
      }));
      expect(own).toEqual(platforms);
      expect(arrived.at(-2)).toBe(arrived.at(-1));
    }
  });
});

function pick(headers: NodeJS.Dict<string | string[]>, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}
