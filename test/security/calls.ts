import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import type { MoovAuthOptions } from '../../src/index.js';
import { type FakeMoov, type Handler, json, whole } from './servers.js';

/** What a case can work with. */
export interface Kit {
  fake: FakeMoov;
  /** The URL of a server that is not Moov. */
  elsewhere: string;
  abort: AbortController;
  /** Resolves when the server has sent the first part of its reply. */
  begun: Promise<void>;
  begin(): void;
}

/** One way in which a call on `req.moov` can go, well or badly. */
export interface CallCase {
  name: string;
  answer: (kit: Kit) => Handler;
  request?: (kit: Kit) => AxiosRequestConfig;
  options?: MoovAuthOptions;
  /** Before the call, when a token is held already. */
  before?: (kit: Kit) => unknown;
  /** While the call is under way. */
  meanwhile?: (kit: Kit) => Promise<unknown>;
  /** A part of what the call, or else the reading of its reply, has to end with: a status, or an error's code or name. */
  ends: string | number | RegExp;
  /** The same for `responseType: 'stream'`, where it differs. */
  endsStreamed?: string | number | RegExp;
  /** Part of a quick run: one of each kind of end. */
  quick?: true;
}

const status =
  (code: number, body: object = { error: 'no' }, headers: Record<string, string> = {}) =>
  (): Handler =>
  (request, response) =>
    whole(request, () => json(response, code, body, headers));

/** Sends a first part of a reply, and then something else happens. */
const part =
  (
    then: (response: Parameters<Handler>[1]) => void,
    headers: Record<string, string> = { 'content-length': '1000' },
  ) =>
  ({ begin }: Kit): Handler =>
  (request, response) =>
    whole(request, () => {
      response.writeHead(200, { 'content-type': 'application/json', ...headers });
      response.write('{"ok":', () => {
        begin();
        then(response);
      });
    });

const raw = (reply: string) => (): Handler => (request, response) =>
  whole(request, () => {
    response.socket?.end(reply);
  });

/** No reply at all, so that it does not matter which form it was to have. */
export const never = (): Handler => () => undefined;
const nothing = () => undefined;
const MiB = 1_048_576;

/** A body that has begun and does not end. */
function endless(): PassThrough {
  const body = new PassThrough();
  body.write('the beginning');
  return body;
}

const postStream = () => ({ method: 'post', data: Readable.from([Buffer.from('a body')]), headers: octets });
const octets = { 'content-type': 'application/octet-stream' };

export const callCases: readonly CallCase[] = [
  { name: '200', quick: true, answer: status(200, { ok: true }), ends: 200 },
  { name: '200, gzip', ends: 200, answer: gzipped(Buffer.from('{"ok":true}')) },
  { name: '204', ends: 204, answer: () => (_request, response) => void response.writeHead(204).end() },
  // What an error leads to does not depend on which status it is of.
  ...[403, 404, 503].map((code) => ({
    name: String(code),
    answer: status(code),
    ends: code,
  })),
  { name: '429', answer: status(429), ends: 429, options: { rateLimit: false } },
  {
    name: '429 for longer than the call has time',
    quick: true,
    answer: status(429, { error: 'no' }, { 'retry-after': '60' }),
    ends: /ERR_MOOV_RATE_LIMITED/,
    options: { timeoutMs: 2_000 },
  },
  { name: '503 with retries', quick: true, answer: status(503), options: { retries: 1 }, ends: 503 },
  {
    name: '401, cured by a new token',
    quick: true,
    ends: 200,
    answer: firstThen(status(401)(), status(200)()),
  },
  { name: '401, not cured', answer: status(401), ends: 401 },
  {
    name: 'status accepted by validateStatus',
    answer: status(404),
    request: () => ({ validateStatus: null }),
    ends: 404,
  },
  {
    name: 'time-out before the reply',
    answer: never,
    options: { attemptTimeoutMs: 100 },
    ends: 'ECONNABORTED',
  },
  {
    name: 'time-out in the middle of the reply',
    quick: true,
    answer: part(nothing),
    options: { attemptTimeoutMs: 150 },
    ends: 'ECONNABORTED',
  },
  { name: 'the deadline', answer: never, request: () => ({ timeout: 100 }), ends: 'ECONNABORTED' },
  {
    name: 'abort before sending',
    answer: never,
    before: ({ abort }) => abort.abort(),
    request: ({ abort }) => ({ signal: abort.signal }),
    ends: 'ERR_CANCELED',
  },
  {
    name: 'abort before the reply',
    quick: true,
    answer: never,
    request: ({ abort }) => ({ signal: abort.signal }),
    meanwhile: async ({ fake, abort }) => {
      await fake.arrived(1);
      abort.abort();
    },
    ends: 'ERR_CANCELED',
  },
  {
    name: 'abort in the middle of the reply',
    answer: part(nothing),
    request: ({ abort }) => ({ signal: abort.signal }),
    meanwhile: async ({ begun, abort }) => {
      await begun;
      abort.abort(new Error('enough'));
    },
    ends: 'ERR_CANCELED',
  },
  { name: 'connection refused', answer: never, before: ({ fake }) => fake.close(), ends: 'ECONN' },
  {
    name: 'connection closed before the reply',
    answer: () => (request) => whole(request, () => request.socket.destroy()),
    ends: 'ECONNRESET',
  },
  {
    name: 'connection reset before the reply',
    quick: true,
    answer: () => (request) => whole(request, () => request.socket.resetAndDestroy()),
    ends: 'ECONNRESET',
  },
  {
    name: 'reply cut',
    quick: true,
    answer: part((response) => response.destroy()),
    ends: 'ERR_BAD_RESPONSE',
    endsStreamed: 'ECONNRESET',
  },
  {
    name: 'reply cut, chunked',
    answer: part((response) => response.destroy(), {}),
    ends: 'ERR_BAD_RESPONSE',
    endsStreamed: 'ECONNRESET',
  },
  {
    // The reset may overtake the first part of the reply.
    name: 'reply reset',
    answer: part((response) => response.socket?.resetAndDestroy()),
    ends: /ERR_BAD_RESPONSE|ECONNRESET/,
    endsStreamed: 'ECONNRESET',
  },
  { name: 'reply cut, of a failure', ends: 'ERR_BAD_RE', answer: cutFailure, endsStreamed: 500 },
  { name: 'gzip, broken', ends: 'Z_', answer: gzipped(Buffer.from('{"ok":true}'), 'broken') },
  // Axios takes compressed data that stop early for whole, where the reply itself was not cut.
  { name: 'gzip, cut', ends: 200, answer: gzipped(randomBytes(20_000), 'cut') },
  { name: 'reply that is not HTTP', answer: raw('HTTP/1.1 2OO O\u0001K\r\n\r\n'), ends: 'HPE_' },
  {
    name: 'reply with two lengths',
    answer: raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk'),
    ends: 'HPE_',
  },
  {
    name: 'chunk that is none',
    answer: raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n'),
    ends: 'HPE_',
    endsStreamed: 'ECONNRESET',
  },
  {
    name: 'upgrade nobody asked for',
    answer: raw('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    options: { attemptTimeoutMs: 100 },
    // undici refuses it at once; Axios's own adapter waits for the time-out.
    ends: /ECONNABORTED|ECONNRESET/,
  },
  // Those that would keep the method and the body, and those that would not.
  ...[302, 308].map((code) => ({
    name: `${code} to the same origin`,
    answer: status(code, {}, { location: '/elsewhere' }),
    ends: code,
  })),
  ...[302, 308].map((code) => ({
    name: `${code} to another origin`,
    ...(code === 302 ? { quick: true as const } : {}),
    answer: ({ elsewhere }: Kit) => status(code, {}, { location: `${elsewhere}/x` })(),
    ends: 'ERR_MOOV_ORIGIN',
  })),
  // Without a limit Axios hands out the reply's own stream, which leads to its request.
  ...[200, 404].map((code) => ({
    name: `${code} without maxContentLength`,
    answer: status(code),
    request: () => ({ maxContentLength: -1 }),
    ends: code,
  })),
  {
    name: 'reply cut, without maxContentLength',
    answer: part((response) => response.destroy()),
    request: () => ({ maxContentLength: -1 }),
    ends: 'ERR_BAD_RESPONSE',
    endsStreamed: 'ECONNRESET',
  },
  {
    name: 'time-out in the middle of the reply, without maxContentLength',
    answer: part(nothing),
    request: () => ({ maxContentLength: -1 }),
    options: { attemptTimeoutMs: 150 },
    ends: 'ECONNABORTED',
  },
  {
    name: 'abort in the middle of the reply, without maxContentLength',
    answer: part(nothing),
    request: ({ abort }) => ({ maxContentLength: -1, signal: abort.signal }),
    meanwhile: async ({ begun, abort }) => {
      await begun;
      abort.abort();
    },
    ends: 'ERR_CANCELED',
  },
  {
    name: 'bad JSON',
    answer: raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\n\r\n{"ok":'),
    request: () => ({ transitional: { silentJSONParsing: false } }),
    ends: 'ERR_BAD_RESPONSE',
    endsStreamed: 200,
  },
  {
    name: 'HTML',
    answer: raw('HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<h1>Bad</h1>'),
    ends: 502,
  },
  {
    name: 'reply over maxContentLength',
    answer: () => (_request, response) => void response.end(Buffer.alloc(2 * MiB)),
    request: () => ({ maxContentLength: MiB }),
    ends: 'ERR_BAD_RESPONSE',
  },
  {
    name: 'gzip bomb',
    answer: gzipped(Buffer.alloc(2 * MiB)),
    request: () => ({ maxContentLength: MiB }),
    ends: 'ERR_BAD_RESPONSE',
  },
  {
    name: 'body over maxBodyLength',
    answer: status(200),
    request: () => ({ method: 'post', data: 'x'.repeat(200), maxBodyLength: 100 }),
    ends: 'ERR_BAD_REQUEST',
  },
  {
    name: 'stream over maxBodyLength',
    answer: status(200),
    request: () => ({
      method: 'post',
      data: Readable.from(['x'.repeat(200)]),
      headers: octets,
      maxBodyLength: 100,
    }),
    ends: 'ERR_BAD_REQUEST',
  },
  { name: 'body in a stream', answer: status(200), request: postStream, ends: 200 },
  {
    name: 'body in a stream, 401',
    quick: true,
    answer: status(401),
    request: postStream,
    ends: 'ERR_MOOV_REPLAY',
  },
  {
    name: 'body in a stream, 503',
    answer: status(503),
    request: () => ({ ...postStream(), method: 'put' }),
    options: { retries: 1 },
    ends: 'ERR_MOOV_REPLAY',
  },
  ...[200, 413, 401, 307].map((code) => ({
    name: `body in a stream, answered with ${code} before its end`,
    answer: (): Handler => (_request: unknown, response: Parameters<Handler>[1]) =>
      json(response, code, { early: true }, code === 307 ? { location: '/x' } : {}),
    request: () => ({ method: 'post', data: endless(), headers: octets }),
    ends: code === 401 ? 'ERR_MOOV_REPLAY' : code,
  })),
  {
    name: 'body in a stream, time-out before its end',
    answer: never,
    request: () => ({ method: 'post', data: endless(), headers: octets }),
    options: { attemptTimeoutMs: 100 },
    ends: 'ECONNABORTED',
  },
  {
    name: 'body in a stream that fails',
    answer: never,
    request: () => ({ method: 'post', data: failing(), headers: octets }),
    ends: 'the body failed',
  },
  {
    name: 'body in a stream of what cannot be sent',
    answer: never,
    request: () => ({ method: 'post', data: Readable.from([{ no: 'bytes' }]), headers: octets }),
    ends: 'ERR_INVALID_ARG_TYPE',
  },
  {
    name: 'body in a stream that is destroyed',
    answer: never,
    request: ({ fake }) => {
      const data = endless();
      void fake.arrived(1).then(() => data.destroy());
      return { method: 'post', data, headers: octets };
    },
    ends: 'ERR_CANCELED',
  },
  {
    name: 'upload and download progress, limited rates',
    answer: status(200, { text: 'x'.repeat(2_000) }),
    request: () => ({
      ...postStream(),
      onUploadProgress: () => undefined,
      onDownloadProgress: () => undefined,
      maxRate: [MiB, MiB],
    }),
    ends: 200,
  },
  {
    name: 'FormData',
    answer: status(422, { file: 'too small' }),
    request: () => {
      const data = new FormData();
      data.set('file', new Blob(['abc']), 'a.txt');
      return { method: 'post', data };
    },
    ends: 422,
  },
  {
    name: 'wrong config: Authorization',
    quick: true,
    answer: never,
    request: () => ({ headers: { authorization: 'Bearer mine' } }),
    ends: 'ERR_MOOV_CONFIG',
  },
  {
    name: 'wrong config: baseURL',
    answer: never,
    request: ({ elsewhere }) => ({ baseURL: elsewhere }),
    ends: 'ERR_MOOV_CONFIG',
  },
  {
    name: 'wrong config: URL',
    answer: never,
    request: ({ elsewhere }) => ({ url: `${elsewhere}/x` }),
    ends: 'ERR_MOOV_ORIGIN',
  },
  {
    name: 'wrong config: idempotency key',
    answer: never,
    request: () => ({ method: 'post', headers: { 'X-Idempotency-Key': 'x'.repeat(40) } }),
    ends: 'ERR_MOOV_CONFIG',
  },
  {
    name: 'wrong config: a method that is none',
    answer: never,
    request: () => ({ method: 'GE T' }),
    ends: 'ERR_INVALID_HTTP_TOKEN',
  },
  {
    name: 'wrong config: a header name that is none',
    answer: never,
    request: () => ({ headers: { 'x y': '1' } }),
    ends: 'ERR_INVALID_HTTP_TOKEN',
  },
  {
    name: 'wrong config: a body that is none',
    answer: never,
    request: () => ({ method: 'post', data: { big: 1n } }),
    ends: 'BigInt',
  },
  {
    name: 'wrong config: params that throw',
    answer: never,
    request: () => ({ params: { a: 1 }, paramsSerializer: { serialize: () => fail('no serializer') } }),
    ends: 'no serializer',
  },
];

function fail(message: string): never {
  throw new Error(message);
}

function failing(): Readable {
  let reads = 0;
  return new Readable({
    read() {
      if (reads++ === 0) this.push('the beginning');
      else this.destroy(new Error('the body failed'));
    },
  });
}

function firstThen(first: Handler, then: Handler): () => Handler {
  let count = 0;
  return () => {
    count = 0;
    return (request, response) => (count++ === 0 ? first : then)(request, response);
  };
}

function cutFailure(): Handler {
  return (request, response) =>
    whole(request, () => {
      response.writeHead(500, { 'content-length': '1000' });
      response.write('{"error":', () => response.destroy());
    });
}

function gzipped(body: Buffer, damage?: 'broken' | 'cut'): () => Handler {
  const whole = gzipSync(body);
  const bytes =
    damage === 'broken'
      ? Buffer.concat([whole.subarray(0, 10), Buffer.alloc(10, 0xff)])
      : damage === 'cut'
        ? whole.subarray(0, whole.length / 2)
        : whole;
  return () => (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(bytes);
  };
}
