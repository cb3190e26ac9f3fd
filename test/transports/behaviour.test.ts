import { createServer, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { AxiosProgressEvent } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { refusingURL } from '../helpers/http-server.js';
import { until } from '../helpers/moov.js';
import { call, columns, rawServer, urlOf } from './columns.js';
import { answer, type Case, rawly, sameOnBoth } from './same.js';

const json = '{"text":"grüße"}';

/** The package `form-data`, as far as Axios looks at it. */
function packagedForm(): PassThrough & {
  getHeaders(): object;
  append(): void;
  getLength(done: unknown): void;
} {
  const form = new PassThrough();
  form.end('--b\r\n\r\nx\r\n--b--\r\n');
  return Object.assign(form, {
    append: () => undefined,
    getHeaders: () => ({ 'content-type': 'multipart/form-data; boundary=b' }),
    getLength: (done: (error: null, length: number) => void) => done(null, 17),
    toString: () => '[object FormData]',
  });
}

function form(): FormData {
  const data = new FormData();
  data.append('a"b', 'one\ntwo');
  data.append('file', new File(['content'], 'n.txt', { type: 'text/plain' }));
  return data;
}

/** Of the call that is being made: it ends when the server or the call says so, not after a time. */
let controller = new AbortController();

function aborting(): AbortController {
  controller = new AbortController();
  return controller;
}

/** Between two timers this process looks at its sockets, however busy it is. */
function abortWhenRead(): void {
  setTimeout(() => setTimeout(() => controller.abort(), 40), 40);
}

const methods = ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH'].map(
  (method): Case => ({
    name: `${method} without a body`,
    config: { method },
    expected: {
      status: 200,
      statusText: 'OK',
      data: { done: true },
      maybeSent: true,
      sent: { method, body: '' },
    },
  }),
);

const encodings = (
  [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
  ] as const
).flatMap(([encoding, compress]): Case[] => {
  const behave = answer({ 'content-encoding': encoding, 'content-type': 'application/json' }, compress(json));
  return [
    {
      name: `${encoding} by ${compress.name}`,
      behave,
      expected: { data: JSON.parse(json), maybeSent: true },
    },
    {
      name: `${encoding} by ${compress.name}, streamed`,
      config: { responseType: 'stream' },
      behave,
      expected: { data: { text: json } },
    },
    {
      name: `${encoding} by ${compress.name}, over maxContentLength`,
      config: { maxContentLength: 5 },
      behave,
      expected: { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 5 exceeded' },
    },
  ];
});

const cases: readonly Case[] = [
  ...methods,
  {
    name: 'HEAD',
    config: { method: 'HEAD' },
    expected: { status: 200, data: '', sent: { method: 'HEAD' } },
    // undici closes the connection after each HEAD.
    apart: ['headers'],
  },
  {
    name: 'HEAD of what is encoded',
    config: { method: 'HEAD' },
    behave: answer({ 'content-encoding': 'gzip', 'content-length': '20' }),
    expected: { data: '', headers: { 'content-length': '20' } },
    apart: ['headers'],
  },
  { name: '204', behave: answer({}, '', 204), expected: { status: 204, statusText: 'No Content', data: '' } },
  {
    name: 'a status with a text of its own',
    behave: rawly('HTTP/1.1 418 Short And Stout\r\ncontent-length: 0\r\n\r\n'),
    expected: { status: 418, statusText: 'Short And Stout' },
  },
  {
    name: 'an early hint before the reply',
    behave: rawly(
      'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
    ),
    expected: { status: 200, data: {}, headers: { 'content-length': '2' } },
  },
  { name: 'a redirect', behave: answer({ location: '/b' }, '', 302), expected: { status: 302, data: '' } },
  {
    name: 'params',
    config: { url: '/a b?x=1#hash', params: { list: [1, 2], nested: { key: 'ü&' }, none: undefined } },
    expected: { sent: { path: '/a%20b?x=1&list%5B%5D=1&list%5B%5D=2&nested%5Bkey%5D=%C3%BC%26' } },
  },
  {
    name: 'params with a serialiser',
    config: { url: '/p', params: { a: 1 }, paramsSerializer: { serialize: () => 'own=1' } },
    expected: { sent: { path: '/p?own=1' } },
  },
  { name: 'a path beyond ASCII', config: { url: "/ä'{}|[]^`" }, expected: { maybeSent: true } },
  { name: 'no URL', config: {}, expected: { sent: { path: '/' } } },
  {
    name: 'a JSON body',
    config: { method: 'POST', data: { text: 'ü' } },
    expected: {
      sent: {
        body: Buffer.from('{"text":"ü"}').toString('latin1'),
        headers: { 'content-type': 'application/json', 'content-length': '13' },
      },
    },
  },
  {
    name: 'a string',
    config: { method: 'PUT', data: 'ü', headers: { 'Content-Type': 'text/plain' } },
    expected: { sent: { headers: { 'content-type': 'text/plain', 'content-length': '2' } } },
  },
  {
    name: 'a Buffer',
    config: { method: 'PATCH', data: Buffer.from('xyz') },
    expected: { sent: { body: 'xyz', headers: { 'content-length': '3' } } },
  },
  {
    name: 'an ArrayBuffer',
    config: { method: 'POST', data: new Uint8Array([120, 121]).buffer },
    expected: { sent: { body: 'xy' } },
  },
  {
    name: 'a form of the web, urlencoded',
    config: { method: 'POST', data: new URLSearchParams({ a: 'b c' }) },
    expected: { sent: { body: 'a=b+c', headers: { 'content-length': '5' } } },
  },
  {
    name: 'FormData',
    config: () => ({
      method: 'POST',
      data: form(),
      headers: { 'Content-Type': 'multipart/form-data; boundary=boundary-of-the-test' },
    }),
    expected: { sent: { headers: { 'content-type': 'multipart/form-data; boundary=boundary-of-the-test' } } },
  },
  {
    name: 'a form of the package form-data',
    config: () => ({ method: 'POST', data: packagedForm() }),
    expected: { sent: { body: '--b\r\n\r\nx\r\n--b--\r\n', headers: { 'content-length': '17' } } },
  },
  {
    name: 'a Blob',
    config: { method: 'POST', data: new Blob(['blob'], { type: 'text/x-blob' }) },
    expected: { sent: { body: 'blob', headers: { 'content-type': 'text/x-blob', 'content-length': '4' } } },
  },
  {
    name: 'a stream',
    config: () => ({ method: 'POST', data: Readable.from(['one', 'two']) }),
    expected: { sent: { body: 'onetwo', headers: { 'transfer-encoding': 'chunked' } } },
  },
  {
    name: 'a stream of known length',
    config: () => ({ method: 'POST', data: Readable.from(['one']), headers: { 'Content-Length': '3' } }),
    expected: { sent: { body: 'one', headers: { 'content-length': '3' } } },
  },
  {
    name: 'a stream that fails',
    config: () => ({
      method: 'POST',
      data: new Readable({
        read() {
          this.destroy(Object.assign(new Error('boom'), { code: 'EBOOM' }));
        },
      }),
    }),
    expected: { code: 'EBOOM', message: 'boom' },
    // Axios begins to send before it asks the body for anything, undici asks first.
    apart: ['maybeSent', 'sent'],
  },
  {
    name: 'a stream over maxBodyLength',
    config: () => ({ method: 'POST', data: Readable.from(['12345', '67890']), maxBodyLength: 6 }),
    expected: { code: 'ERR_BAD_REQUEST', message: 'Request body larger than maxBodyLength limit' },
    apart: ['maybeSent', 'sent'],
  },
  {
    name: 'a body over maxBodyLength',
    config: { method: 'POST', data: 'ééé', maxBodyLength: 5 },
    expected: {
      code: 'ERR_BAD_REQUEST',
      message: 'Request body larger than maxBodyLength limit',
      maybeSent: false,
    },
  },
  {
    name: 'a body that is none',
    config: { method: 'POST', data: 5, transformRequest: [(data: unknown) => data] },
    expected: { code: 'ERR_BAD_REQUEST', maybeSent: false },
  },
  {
    name: 'a GET with a body',
    config: { method: 'GET', data: { a: 1 } },
    expected: { sent: { body: '{"a":1}' } },
  },
  {
    name: 'headers of all kinds',
    config: {
      headers: {
        'X-List': ['a', 'b'],
        'X-Number': 5,
        'X-None': null,
        'X-Latin': 'ü',
        'X-Far': 'a☃b',
        'User-Agent': 'me',
      },
    },
    expected: { sent: { headers: { 'x-number': '5', 'x-far': 'ab', 'user-agent': 'me' } } },
  },
  {
    name: 'a header name that is none',
    config: { headers: { 'bad name': 'x' } },
    expected: { code: 'ERR_INVALID_HTTP_TOKEN', maybeSent: false },
  },
  {
    name: 'a method that is none',
    config: { method: 'G T' },
    expected: { code: 'ERR_INVALID_HTTP_TOKEN', maybeSent: false },
  },
  {
    name: 'repeated reply headers',
    behave: rawly(
      [
        'HTTP/1.1 200 OK',
        'Set-Cookie: a=1',
        'set-cookie: b=2',
        'X-Two: one',
        'x-two: two \t',
        'Retry-After: 1',
        'Retry-After: 2',
        'Get: method',
        'Constructor: c',
        'Content-Type: text/a',
        'Content-Type: text/b',
        'Cookie: a=1',
        'Cookie: b=2',
        'X-Latin: \u00fc',
        'Connection: close',
        '',
        'body',
      ].join('\r\n'),
    ),
    expected: {
      data: 'body',
      headers: {
        'set-cookie': ['a=1', 'b=2'],
        'x-two': 'one, two',
        'retry-after': '1',
        'content-type': 'text/a',
      },
    },
  },
  { name: 'text', config: { responseType: 'text' }, behave: answer({}, json), expected: { data: json } },
  {
    name: 'an arraybuffer',
    config: { responseType: 'arraybuffer' },
    behave: answer({}, json),
    expected: { data: Buffer.from(json) },
  },
  {
    name: 'a stream of the reply',
    config: { responseType: 'stream' },
    behave: answer({}, json),
    expected: { status: 200, data: { text: json } },
  },
  {
    name: 'a stream over maxContentLength',
    config: { responseType: 'stream', maxContentLength: 4 },
    behave: answer({}, json),
    expected: { data: { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 4 exceeded' } },
  },
  {
    name: 'another encoding of text',
    config: { responseEncoding: 'latin1', responseType: 'text' },
    behave: answer({}, Buffer.from([0xfc])),
    expected: { data: 'ü' },
  },
  { name: 'a byte order mark', behave: answer({}, `\ufeff${json}`), expected: { data: JSON.parse(json) } },
  { name: 'JSON that is none', behave: answer({}, '{"a":'), expected: { data: '{"a":' } },
  {
    name: 'JSON that is none, where it has to be JSON',
    config: { responseType: 'json', transitional: { silentJSONParsing: false } },
    behave: answer({}, '{"a":'),
    expected: { code: 'ERR_BAD_RESPONSE', status: 200 },
  },
  ...encodings,
  {
    name: 'gzip, decompress off',
    config: { decompress: false, responseType: 'arraybuffer' },
    behave: answer({ 'content-encoding': 'gzip' }, gzipSync(json)),
    expected: { headers: { 'content-encoding': 'gzip' }, data: gzipSync(json) },
  },
  {
    name: 'gzip of nothing',
    behave: answer({ 'content-encoding': 'gzip' }),
    expected: { status: 200, data: '' },
  },
  {
    name: 'gzip that is none',
    behave: answer({ 'content-encoding': 'gzip' }, 'plain'),
    expected: { code: 'Z_DATA_ERROR', message: 'incorrect header check', status: 200 },
  },
  {
    name: 'gzip that breaks off',
    behave: (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': '500' });
      response.write(gzipSync(json).subarray(0, 12), () => response.destroy());
    },
    expected: { code: 'ECONNRESET', message: 'aborted', status: 200, maybeSent: true },
  },
  {
    name: 'an encoding that nobody knows',
    behave: answer({ 'content-encoding': 'own' }, 'x'),
    expected: { data: 'x', headers: { 'content-encoding': 'own' } },
  },
  {
    name: 'a reply over maxContentLength',
    config: { maxContentLength: 5 },
    behave: answer({}, json),
    expected: { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 5 exceeded' },
  },
  {
    name: 'a connection that is cut',
    behave: (response) => response.destroy(),
    expected: { code: 'ECONNRESET', message: 'socket hang up', maybeSent: true },
  },
  {
    name: 'a connection that is reset',
    behave: (response) => response.socket?.resetAndDestroy(),
    expected: { code: 'ECONNRESET', maybeSent: true },
  },
  {
    name: 'a reply that breaks off',
    behave: (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":', () => response.destroy());
    },
    expected: { code: 'ERR_BAD_RESPONSE', message: 'stream has been aborted', status: 200 },
  },
  {
    name: 'a chunked reply that breaks off',
    behave: (response) => {
      response.write('{"a":', () => response.destroy());
    },
    expected: { code: 'ERR_BAD_RESPONSE', message: 'stream has been aborted', status: 200 },
  },
  {
    name: 'a streamed reply that breaks off',
    config: { responseType: 'stream' },
    behave: (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":', () => response.destroy());
    },
    expected: { status: 200, data: { text: '{"a":', code: 'ECONNRESET', message: 'aborted' } },
  },
  {
    name: 'a reply that is not HTTP',
    behave: rawly('SSH-2.0-x\r\n\r\n'),
    expected: { code: 'HPE_INVALID_CONSTANT', maybeSent: true },
  },
  {
    name: 'too many headers',
    behave: rawly(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
    expected: { code: 'HPE_HEADER_OVERFLOW', message: 'Parse Error: Header overflow' },
  },
  {
    name: 'slow headers and a slow body',
    behave: (response) => {
      setTimeout(() => {
        response.write('{"a"');
        setTimeout(() => response.end(':1}'), 50);
      }, 50);
    },
    expected: { data: { a: 1 }, maybeSent: true },
  },
  {
    name: 'an abort before',
    config: { signal: AbortSignal.abort() },
    expected: { code: 'ERR_CANCELED', message: 'canceled', maybeSent: false },
  },
  {
    name: 'an abort while the headers are awaited',
    config: () => ({ signal: aborting().signal }),
    behave: () => controller.abort(),
    expected: { code: 'ERR_CANCELED', message: 'canceled', maybeSent: true },
  },
  {
    name: 'an abort in the body',
    config: () => ({ signal: aborting().signal }),
    behave: (response) => void response.write('{', abortWhenRead),
    expected: { code: 'ERR_CANCELED', message: 'canceled', maybeSent: true },
  },
  {
    name: 'an abort in a streamed body',
    config: () => ({
      signal: aborting().signal,
      responseType: 'stream',
    }),
    behave: (response) => void response.write('{', abortWhenRead),
    expected: { status: 200, data: { text: '{', code: 'ERR_CANCELED', message: 'canceled' } },
  },
  {
    name: 'a server that closes after its reply',
    behave: answer({ connection: 'close' }, json),
    expected: { data: JSON.parse(json) },
  },
];

sameOnBoth(cases);

describe.each(columns)('without a server, on %s', (column) => {
  test('nobody listens', async () => {
    const url = await refusingURL();
    const { port } = new URL(url);
    expect(await call(column, url, { url: '/' })).toMatchObject({
      code: 'ECONNREFUSED',
      message: `connect ECONNREFUSED 127.0.0.1:${port}`,
      maybeSent: false,
    });
  });

  test('the name is unknown', async () => {
    const outcome = await call(column, 'http://no-such-host.invalid', { url: '/' });
    expect(outcome).toMatchObject({ maybeSent: false, message: expect.stringContaining('getaddrinfo') });
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(outcome.code);
  });

  test('an abort closes a connection that is still opening', async () => {
    // The connection stands, and its TLS handshake is never answered.
    const server = createServer((socket) => void sockets.push(socket));
    const sockets: Socket[] = [];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const controller = new AbortController();
    const outcome = call(column, urlOf(server, 'https'), { url: '/', signal: controller.signal });
    await until(() => sockets.length === 1, 'the connection is being made');
    const closed = new Promise((resolve) => sockets[0]?.once('close', resolve).resume());
    controller.abort();
    expect(await outcome).toMatchObject({ code: 'ERR_CANCELED', maybeSent: false });
    await closed;
  });

  test('reports upload and download progress', async () => {
    const server = await rawServer(answer({}, 'x'.repeat(100_000)));
    onTestFinished(() => server.close());
    const [up, down]: AxiosProgressEvent[][] = [[], []];
    await call(column, server.url, {
      url: '/',
      method: 'POST',
      data: 'y'.repeat(50_000),
      onUploadProgress: (event) => up?.push(event),
      onDownloadProgress: (event) => down?.push(event),
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(up?.at(-1)).toMatchObject({ loaded: 50_000, total: 50_000, progress: 1, upload: true });
    expect(down?.at(-1)).toMatchObject({ loaded: 100_000, download: true });
  });
});
