import { gzipSync } from 'node:zlib';
import type { FakeMoov, Handler } from './servers.js';
import { json, whole } from './servers.js';

/** One way in which the token endpoint can fail, or lie. */
export interface TokenFault {
  name: string;
  answer: (fake: FakeMoov) => Handler;
  /** A part of the error's code, or several to choose from. */
  code: string;
}

const plain =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers });
    response.end(body);
  };

/** A reply with tokens in it, spoilt. */
const spoilt =
  (extra: object, spoil: (text: string) => string = (text) => text, status = 200) =>
  (fake: FakeMoov): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(spoil(JSON.stringify(fake.issue(extra))));
  };

/** What the server saw of the request's secrets, in every form it could give back. */
function seen(authorization: string | undefined, body: string): Record<string, string> {
  const form = new URLSearchParams(body);
  const basic = authorization?.replace(/^Basic /, '') ?? '';
  const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':');
  const decoded = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
  const clientID = basic ? decoded(id) : (form.get('client_id') ?? '');
  const clientSecret = basic ? decoded(secret) : (form.get('client_secret') ?? '');
  return {
    authorization: authorization ?? '',
    body,
    clientSecret,
    component: encodeURIComponent(clientSecret),
    lowerCase: encodeURIComponent(clientSecret).replaceAll(/%../g, (byte) => byte.toLowerCase()),
    pair: `${clientID}:${clientSecret}`,
    rawBasic: Buffer.from(`${clientID}:${clientSecret}`).toString('base64'),
    refreshToken: form.get('refresh_token') ?? '',
    token: form.get('token') ?? '',
    // At the end of what is shown of a long text, where shortening would leave half.
    long: `${'.'.repeat(270)}${clientSecret}${'.'.repeat(250)}${form.get('refresh_token') ?? ''}${form.get('token') ?? ''}`,
  };
}

type Echo = (response: Parameters<Handler>[1], saw: Record<string, string>) => void;

const echo = (say: Echo) => (): Handler => (request, response) =>
  whole(request, (body) => say(response, seen(request.headers.authorization, body)));

/** A text that may stand in a header. */
const header = (text: string | undefined) => (text ?? '').replaceAll(/[^\x21-\x7e]/g, '');

/** Replies that hand back what they were sent; for both OAuth endpoints. */
export const echoes: readonly TokenFault[] = [
  ...[400, 401, 403, 422].flatMap((status): TokenFault[] => [
    {
      name: `${status} with all it was sent in "error"`,
      answer: echo((response, saw) => json(response, status, { error: Object.values(saw).join(' ') })),
      code: status === 401 || status === 403 ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'REFUSED',
    },
    {
      name: `${status} with all it was sent as fields`,
      answer: echo((response, saw) => json(response, status, saw)),
      code: status === 401 || status === 403 ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'REFUSED',
    },
  ]),
  {
    name: '422 with the secret as names of fields',
    answer: echo((response, saw) =>
      json(response, 422, Object.fromEntries(Object.values(saw).map((text) => [text, 'is wrong']))),
    ),
    code: 'REFUSED',
  },
  ...[429, 500, 503].map((status) => ({
    name: `${status} with all it was sent`,
    answer: echo((response, saw) => json(response, status, { error: Object.values(saw).join(' ') })),
    code: status === 429 ? 'ERR_MOOV_RATE_LIMITED' : 'ERR_MOOV_SERVER_ERROR',
  })),
  {
    name: '400 that begins the text with a cut secret',
    answer: echo((response, { long = '' }) => json(response, 400, { error: long })),
    code: 'REFUSED',
  },
  ...['authorization', 'clientSecret', 'component', 'rawBasic', 'body'].flatMap((what): TokenFault[] => [
    {
      name: `400 with ${what} in its x-request-id`,
      answer: echo((response, saw) =>
        json(response, 400, { error: 'no' }, { 'x-request-id': header(saw[what]) }),
      ),
      code: 'REFUSED',
    },
    {
      name: `502 with ${what} in its Content-Type`,
      answer: echo((response, saw) => {
        response.writeHead(502, {
          'content-type': `text/${header(saw[what])}`,
          'retry-after': header(saw[what]),
        });
        response.end('<h1>Bad gateway</h1>');
      }),
      code: 'ERR_MOOV_SERVER_ERROR',
    },
    {
      name: `a redirect to ${what}`,
      answer: echo((response, saw) =>
        json(
          response,
          302,
          {},
          { location: `https://${header(saw[what])}@example.com/${header(saw[what])}` },
        ),
      ),
      code: 'ERR_MOOV_ORIGIN',
    },
    {
      name: `the status text ${what}`,
      answer: echo((response, saw) => {
        response.writeHead(400, header(saw[what]), {}).end();
      }),
      code: 'REFUSED',
    },
  ]),
];

/** Failures of transport and protocol; for both OAuth endpoints. */
export const failures: readonly TokenFault[] = [
  { name: 'no answer', answer: () => () => undefined, code: 'ERR_MOOV_TIMEOUT' },
  {
    name: 'a closed connection',
    answer: () => (request) => request.socket.destroy(),
    code: 'ERR_MOOV_NETWORK',
  },
  {
    name: 'a reset connection',
    answer: () => (request) => request.socket.resetAndDestroy(),
    code: 'ERR_MOOV_NETWORK',
  },
  {
    name: 'something that is not HTTP',
    answer: () => (request) => void request.socket.end('220 mail.example.com ESMTP\r\n'),
    code: 'ERR_MOOV_NETWORK',
  },
  {
    name: 'headers without end',
    answer: () => (request) =>
      void request.socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`),
    code: 'ERR_MOOV_NETWORK',
  },
  { name: '400', answer: plain(400, '{"error":"no"}'), code: 'REFUSED' },
  { name: '401', answer: plain(401, ''), code: 'ERR_MOOV_CREDENTIALS_REFUSED' },
  { name: '403', answer: plain(403, ''), code: 'ERR_MOOV_CREDENTIALS_REFUSED' },
  { name: '422', answer: plain(422, '{"scope":"unknown"}'), code: 'REFUSED' },
  { name: '429', answer: plain(429, '', { 'retry-after': '1' }), code: 'ERR_MOOV_RATE_LIMITED' },
  { name: '500', answer: plain(500, '{"error":"oops"}'), code: 'ERR_MOOV_SERVER_ERROR' },
  {
    name: '502 with HTML',
    answer: plain(502, '<h1>Bad</h1>', { 'content-type': 'text/html' }),
    code: 'ERR_MOOV_SERVER_ERROR',
  },
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: String(status),
    answer: plain(status, '', { location: 'https://example.com/' }),
    code: 'ERR_MOOV_ORIGIN',
  })),
];

const MiB = 1_048_576;

/** Each attempt is refused at 1 MiB; the time may be up before the last. */
const TOO_LARGE = 'ERR_MOOV_NETWORK|ERR_MOOV_TIMEOUT';

/** Replies of `/oauth2/token` with 200, or with tokens, that cannot be used. */
export const badTokens: readonly TokenFault[] = [
  ...(
    [
      ['HTML', '<h1>Welcome</h1>', { 'content-type': 'text/html' }],
      ['no body', '', {}],
      ['no access_token', '{"token_type":"Bearer"}', {}],
      ['a list', '[]', {}],
      ['null', 'null', {}],
      ['a number', '1', {}],
      ['an access_token that is none', '{"access_token":"a b\\r\\nX-Evil: 1"}', {}],
    ] as const
  ).map(([name, body, headers]) => ({
    name,
    answer: plain(200, body, headers),
    code: 'ERR_MOOV_TOKEN_REPLY',
  })),
  {
    name: 'a body that is cut after the tokens',
    answer: (fake) => (_request, response) => {
      const body = JSON.stringify(fake.issue());
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': String(body.length + 100),
      });
      response.write(body, () => response.destroy());
    },
    code: 'ERR_MOOV_NETWORK',
  },
  {
    name: 'JSON that breaks off after the tokens',
    answer: spoilt({}, (text) => text.slice(0, -1)),
    code: 'TOKEN_REPLY',
  },
  { name: '201', answer: spoilt({}, undefined, 201), code: 'ERR_MOOV_TOKEN_REPLY' },
  ...[400, 422, 500].map((status) => ({
    name: `${status} with tokens`,
    answer: spoilt({ expires_in: '3600' }, undefined, status),
    code: status === 500 ? 'ERR_MOOV_SERVER_ERROR' : 'REFUSED',
  })),
  ...(
    [
      ['1e11', 1e11],
      ['1e300', 1e300],
      ['-1', -1],
      ['0', 0],
      ['-1e300', -1e300],
      ['a string', 'soon'],
      ['a word', 'soon'],
      ['an object', { seconds: 3600 }],
      ['a list', [3600]],
      ['true', true],
    ] as const
  ).map(([name, expires_in]) => ({
    name: `expires_in: ${name}`,
    answer: spoilt({ expires_in }),
    code: 'ERR_MOOV_TOKEN_REPLY',
  })),
  ...['NaN', 'Infinity', '-Infinity', '1e999', '0x10'].map((number) => ({
    name: `expires_in: ${number}`,
    answer: spoilt({}, (text) => text.replace('"expires_in":3600', `"expires_in":${number}`)),
    code: 'ERR_MOOV_TOKEN_REPLY',
  })),
  {
    name: 'expires_in: a time in the past',
    answer: spoilt({ expires_in: 1.1e9 }),
    code: 'ERR_MOOV_TOKEN_REPLY',
  },
  { name: 'another token_type', answer: spoilt({ token_type: 'mac' }), code: 'ERR_MOOV_TOKEN_REPLY' },
  {
    name: 'a refresh_token that is an object',
    answer: spoilt({ refresh_token: {} }),
    code: 'ERR_MOOV_TOKEN_REPLY',
  },
  {
    name: 'a refresh_token of 5,000',
    answer: spoilt({ refresh_token: 'x'.repeat(5_000) }),
    code: 'TOKEN_REPLY',
  },
  {
    name: 'an access_token of 20,000',
    answer: spoilt({ access_token: 'x'.repeat(20_000) }),
    code: 'TOKEN_REPLY',
  },
  { name: 'scope of 100 KB', answer: spoilt({ scope: 'x'.repeat(100_000) }), code: 'ERR_MOOV_TOKEN_REPLY' },
  { name: 'scope of 10 MB', answer: spoilt({ scope: 'x'.repeat(10_000_000) }), code: TOO_LARGE },
  {
    name: 'tokens in a gzip bomb',
    answer: (fake) => (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify(fake.issue({ scope: 'x'.repeat(8 * MiB) }))));
    },
    code: TOO_LARGE,
  },
];

/** One of each kind, for what is decided in one place for all of them. */
const named = [
  'no answer',
  'a reset connection',
  'something that is not HTTP',
  '401',
  '429',
  '302',
  '400 with all it was sent in "error"',
  '422 with the secret as names of fields',
  '500 with all it was sent',
  '400 that begins the text with a cut secret',
  '400 with clientSecret in its x-request-id',
  '502 with authorization in its Content-Type',
  'a redirect to rawBasic',
  'the status text component',
  'no access_token',
  'a body that is cut after the tokens',
  'JSON that breaks off after the tokens',
  '422 with tokens',
  'expires_in: 1e11',
  'another token_type',
  'a refresh_token of 5,000',
  'tokens in a gzip bomb',
];

/** Of those, the ones that lead to different code: none of the reply, parts of it, and tokens in it. */
const fewest = [
  'a reset connection',
  '400 with all it was sent in "error"',
  '500 with all it was sent',
  'a body that is cut after the tokens',
  'expires_in: 1e11',
];

/** Of a list of faults, one of each kind. */
export function oneOfEach(faults: readonly TokenFault[]): TokenFault[] {
  return faults.filter(({ name }) => named.includes(name));
}

/** Of a list of faults, the fewest that go different ways. */
export function someOf(faults: readonly TokenFault[]): TokenFault[] {
  return faults.filter(({ name }) => fewest.includes(name));
}
