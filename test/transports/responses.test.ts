import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { answer, type Case, rawly, sameOnBoth } from './same.js';

const broken = (name: string, bytes: string, code: string): Case => ({
  name,
  behave: rawly(bytes),
  expected: { code, maybeSent: true },
});

const withHead = (...lines: string[]) => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

/** More than comes at once. */
const large = randomBytes(300_000);

/** Comparing many bytes one by one takes the test's time. */
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const unparsable: readonly Case[] = [
  broken('a status that is no number', 'HTTP/1.1 abc\r\n\r\n', 'HPE_INVALID_STATUS'),
  broken('a version that does not exist', 'HTTP/9.9 200 OK\r\n\r\n', 'HPE_INVALID_VERSION'),
  broken('a header without a name', withHead(': x'), 'HPE_INVALID_HEADER_TOKEN'),
  broken('a header name with a space', withHead('a b: x'), 'HPE_INVALID_HEADER_TOKEN'),
  broken('a length that is no number', withHead('Content-Length: x'), 'HPE_INVALID_CONTENT_LENGTH'),
  broken(
    'a length twice',
    withHead('Content-Length: 0', 'Content-Length: 0'),
    'HPE_UNEXPECTED_CONTENT_LENGTH',
  ),
  broken(
    'a length beside chunks',
    withHead('Transfer-Encoding: chunked', 'Content-Length: 3'),
    'HPE_INVALID_CONTENT_LENGTH',
  ),
  broken(
    'chunks beside a length',
    withHead('Content-Length: 0', 'Transfer-Encoding: chunked'),
    'HPE_INVALID_TRANSFER_ENCODING',
  ),
  broken('a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'HPE_INVALID_STATUS'),
  broken('lines without CR', 'HTTP/1.1 200 OK\nA: b\n\n', 'HPE_CR_EXPECTED'),
  broken('a line without LF', withHead('A: b\rC: d'), 'HPE_LF_EXPECTED'),
  {
    ...broken(
      'two lengths that differ',
      withHead('Content-Length: 2', 'Content-Length: 3'),
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ),
    // undici adds the lengths up and misses bytes, before it looks at why the parser stopped.
    apart: ['message'],
  },
  {
    ...broken(
      'a chunk without a size',
      `${withHead('Transfer-Encoding: chunked')}zz\r\n`,
      'HPE_INVALID_CHUNK_SIZE',
    ),
    // undici tells of the head before it reads the chunk, Axios forgets it.
    apart: ['status'],
  },
];

sameOnBoth([
  ...unparsable,
  {
    name: 'a reply that is reset',
    behave: (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":', () => response.socket?.resetAndDestroy());
    },
    expected: { maybeSent: true },
    // The reset may overtake the head of the reply: both ends are right.
    apart: ['code', 'message', 'name', 'status', 'statusText', 'headers', 'data'],
  },
  {
    name: 'an encoding of text that nobody knows',
    config: { responseEncoding: 'own', responseType: 'text' },
    expected: { code: 'ERR_UNKNOWN_ENCODING', maybeSent: true },
  },
  {
    name: 'an encoding that the caller chooses',
    config: { headers: { 'Accept-Encoding': 'identity' } },
    expected: { sent: { headers: { 'accept-encoding': 'identity' } } },
  },
  {
    name: 'deflate in several parts',
    config: { responseType: 'arraybuffer', transformResponse: [digest] },
    behave: answer({ 'content-encoding': 'deflate' }, deflateRawSync(large)),
    expected: { data: digest(large) },
  },
  {
    name: 'one cookie',
    behave: rawly('HTTP/1.1 200 OK\r\nSet-Cookie: a=1 \r\nX-One: x\t\r\nContent-Length: 0\r\n\r\n'),
    expected: { headers: { 'set-cookie': ['a=1'], 'x-one': 'x' } },
  },
]);
