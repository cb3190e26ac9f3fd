import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoovConfigError, MoovWebhookError, verifyMoovWebhook } from '../../src/index.js';
import { expectNoSecret, rejection } from '../helpers/printed.js';
import { event, secret, signedHeaders } from './deliveries.js';
import { publishedVector } from './published-vector.js';

const body = JSON.stringify(event);

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

describe('the signature', () => {
  test('of the published test vector is accepted', async () => {
    const { headers, secret } = publishedVector;
    expect(await verifyMoovWebhook({ headers, body }, { secret, toleranceMs: Infinity })).toEqual(event);
  });

  test.each(Object.keys(publishedVector.headers))('of the published test vector covers %s', async (name) => {
    const headers = {
      ...publishedVector.headers,
      [name]: name === 'x-timestamp' ? '1714166456' : 'a'.repeat(128),
    };
    const { secret } = publishedVector;
    expect(
      await rejection(verifyMoovWebhook({ headers, body }, { secret, toleranceMs: Infinity })),
    ).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
      status: 401,
    });
  });

  test('of any secret in a list is accepted', async () => {
    const headers = signedHeaders();
    for (const list of [
      [secret, 'another'],
      ['another', secret],
    ]) {
      expect(await verifyMoovWebhook({ headers, body }, { secret: list })).toEqual(event);
    }
    expect(
      await rejection(verifyMoovWebhook({ headers, body }, { secret: ['one', 'another'] })),
    ).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
    });
  });
});

describe('headers', () => {
  test.each([
    ['in any case', (headers: Record<string, string>) => upperCase(headers)],
    ['as Headers of fetch', (headers: Record<string, string>) => new Headers(headers)],
    ['as lists of one', (headers: Record<string, string>) => mapValues(headers, (value) => [value])],
  ])('are accepted %s', async (_how, change) => {
    expect(await verifyMoovWebhook({ headers: change(signedHeaders()), body }, { secret })).toEqual(event);
  });

  test.each([
    [
      'given twice, in two cases',
      (headers: Record<string, string>) => ({ ...headers, ...upperCase(headers) }),
    ],
    ['in a list of two', (headers: Record<string, string>) => mapValues(headers, (value) => [value, value])],
    ['empty', (headers: Record<string, string>) => mapValues(headers, () => '')],
    ['that are no strings', (headers: Record<string, string>) => mapValues(headers, () => 5)],
    ['that are not there', () => ({})],
    ['that are not there, of fetch', () => new Headers()],
  ])('are refused %s', async (_how, change) => {
    const error = await rejection(verifyMoovWebhook({ headers: change(signedHeaders()), body }, { secret }));
    expect(error).toBeInstanceOf(MoovWebhookError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
      message: expect.stringContaining('X-Timestamp'),
    });
  });
});

test.each<[string, unknown]>([
  ['a Buffer', Buffer.from(body)],
  ['a part of a larger buffer', new Uint8Array(Buffer.from(`--${body}--`)).subarray(2, -2)],
  ['an ArrayBuffer, as of request.arrayBuffer()', new TextEncoder().encode(body).buffer],
  ['a DataView', new DataView(new TextEncoder().encode(body).buffer)],
  ['text with a byte order mark', `\uFEFF${body}`],
  ['bytes with a byte order mark', Buffer.from(`\uFEFF${body}`)],
])('a body that is %s is accepted', async (_what, given) => {
  expect(await verifyMoovWebhook({ headers: signedHeaders(), body: given }, { secret })).toEqual(event);
});

test('an ArrayBuffer over 256 KiB is refused', async () => {
  const request = { headers: signedHeaders(), body: new ArrayBuffer(262_145) };
  expect(await rejection(verifyMoovWebhook(request, { secret }))).toMatchObject({
    code: 'ERR_MOOV_WEBHOOK_TOO_LARGE',
  });
});

describe('the timestamp', () => {
  const now = () => Date.now();
  const accepted: readonly [how: string, make: () => string][] = [
    ['ISO 8601', () => ago(0)],
    ['ISO 8601 in whole seconds', () => `${ago(0).slice(0, 19)}Z`],
    ['ISO 8601 in nanoseconds', () => ago(0).replace('Z', '123456Z')],
    ['ISO 8601 with an offset', () => `${new Date(now() + 7_200_000).toISOString().slice(0, 19)}+02:00`],
    ['Unix seconds', () => String(Math.floor(now() / 1000))],
    ['Unix milliseconds', () => String(now())],
    ['4 minutes in the past', () => ago(240_000)],
    ['4 minutes in the future', () => ago(-240_000)],
  ];
  test.each(accepted)('is accepted: %s', async (_how, make) => {
    const headers = signedHeaders({ timestamp: make() });
    expect(await verifyMoovWebhook({ headers, body }, { secret })).toEqual(event);
  });

  const expired: readonly [how: string, make: () => string][] = [
    ['6 minutes in the past', () => ago(360_000)],
    ['6 minutes in the future', () => ago(-360_000)],
    ['Unix seconds of 1970', () => '5'],
    ['Unix milliseconds, 6 minutes ago', () => String(now() - 360_000)],
  ];
  test.each(expired)('is refused as expired: %s', async (_how, make) => {
    const request = { headers: signedHeaders({ timestamp: make() }), body };
    expect(await rejection(verifyMoovWebhook(request, { secret }))).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_EXPIRED',
      status: 401,
    });
    expect(await verifyMoovWebhook(request, { secret, toleranceMs: Infinity })).toEqual(event);
  });

  test('has the tolerance of the option', async () => {
    const request = { headers: signedHeaders({ timestamp: ago(360_000) }), body };
    expect(await verifyMoovWebhook(request, { secret, toleranceMs: 400_000 })).toEqual(event);
  });

  test.each([
    'yesterday',
    '2024-04-26',
    '2024-04-26T21:20:55',
    '2024-13-26T21:20:55Z',
    '-5',
    '1e3',
    '1'.repeat(16),
  ])('is refused, also if it is signed: %s', async (timestamp) => {
    const headers = signedHeaders({ timestamp });
    expect(
      await rejection(verifyMoovWebhook({ headers, body }, { secret, toleranceMs: Infinity })),
    ).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
      message: expect.stringContaining('X-Timestamp'),
    });
  });
});

describe('the body', () => {
  test.each<[what: string, body: unknown]>([
    ['text', body],
    ['a Buffer', Buffer.from(body)],
    ['bytes', new TextEncoder().encode(body)],
    ['parsed', event],
    ['with further fields', { ...event, apiVersion: 'v2026.10.00' }],
    ['of a type that is new', { ...event, type: 'transfer.updated' }],
  ])('is accepted: %s', async (_what, given) => {
    expect(await verifyMoovWebhook({ headers: signedHeaders(), body: given }, { secret })).toEqual(event);
  });

  test('may be of a type that is not known, and have any data', async () => {
    const { data: _data, ...rest } = event;
    for (const given of [
      { ...event, type: 'moon.landed', data: null },
      { ...rest, type: 'moon.landed' },
    ]) {
      const { type } = await verifyMoovWebhook({ headers: signedHeaders(), body: given }, { secret });
      expect(type).toBe('moon.landed');
    }
  });

  const cyclic: Record<string, unknown> = { ...event };
  cyclic.data = cyclic;
  test.each<[what: string, body: unknown, message: string]>([
    ['nothing', undefined, 'missing'],
    ['null', null, 'missing'],
    ['an empty text', '', 'missing'],
    ['no bytes', Buffer.alloc(0), 'not valid JSON'],
    ['no JSON', 'eventID=1', 'not valid JSON'],
    ['JSON that breaks off', body.slice(0, -1), 'not valid JSON'],
    ['a list', [event], 'a JSON object'],
    ['a number', '5', 'a JSON object'],
    ['a boolean', true, 'text, bytes or parsed JSON'],
    ['an object without JSON', { ...event, data: 1n }, 'no JSON'],
    ['a cycle', cyclic, 'no JSON'],
    ['no eventID', { ...event, eventID: undefined }, '"eventID"'],
    ['an empty eventID', { ...event, eventID: '' }, '"eventID"'],
    ['an eventID that is a number', { ...event, eventID: 5 }, '"eventID"'],
    ['no type', { ...event, type: undefined }, '"type"'],
    ['no createdOn', { ...event, createdOn: undefined }, '"createdOn"'],
    ['JSON that is nested 100,000 times', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, ''],
  ])('is refused with 400: %s', async (_what, given, message) => {
    const error = await rejection(verifyMoovWebhook({ headers: signedHeaders(), body: given }, { secret }));
    expect(error).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_BODY',
      status: 400,
      message: expect.stringContaining(message),
    });
  });

  test.each<[what: string, make: (data: string) => unknown]>([
    ['text', (data) => JSON.stringify({ ...event, data })],
    ['bytes', (data) => Buffer.from(JSON.stringify({ ...event, data }))],
    ['parsed', (data) => ({ ...event, data })],
  ])('is refused with 413 over 256 KiB: %s', async (_what, make) => {
    const rest = Buffer.byteLength(JSON.stringify({ ...event, data: '' }));
    const most = 'é'.repeat((262_144 - rest) / 2).padEnd(Math.ceil((262_144 - rest) / 2), '.');
    const fits = { headers: signedHeaders(), body: make(most) };
    expect(await verifyMoovWebhook(fits, { secret })).toEqual({ ...event, data: most });
    const over = { headers: signedHeaders(), body: make(`${most}.`) };
    expect(await rejection(verifyMoovWebhook(over, { secret }))).toMatchObject({
      code: 'ERR_MOOV_WEBHOOK_TOO_LARGE',
      status: 413,
    });
  });

  test.each<[what: string, parse: (text: string) => unknown]>([
    ['text', (text) => text],
    ['parsed', (text) => JSON.parse(text)],
  ])('has no member that would replace a prototype: %s', async (_what, parse) => {
    const text = body
      .replace('{', '{"__proto__":{"isAdmin":true},')
      .replace('"data":{', '"data":{"__proto__":{"isAdmin":true},"metadata":{"__proto__":{"isAdmin":true}},');
    const { data } = await verifyMoovWebhook({ headers: signedHeaders(), body: parse(text) }, { secret });
    expect(data).toEqual({ ...event.data, metadata: {} });
    expect(Object.assign({}, data)).not.toHaveProperty('isAdmin');
    expect({}).not.toHaveProperty('isAdmin');
  });

  test('is not looked at before the headers are verified', async () => {
    let reads = 0;
    const given = { toJSON: () => ({ ...event, reads: ++reads }) };
    const wrong = { headers: signedHeaders({ secret: 'another' }), body: given };
    await rejection(verifyMoovWebhook(wrong, { secret }));
    expect(reads).toBe(0);
    await verifyMoovWebhook({ headers: signedHeaders(), body: given }, { secret });
    expect(reads).toBe(1);
  });
});

describe('whatever is sent', () => {
  const value = fc.oneof(fc.string(), fc.constant(undefined), fc.array(fc.string(), { maxLength: 2 }));
  const sent = fc.record({
    'x-timestamp': fc.oneof(
      value,
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    ),
    'x-nonce': value,
    'x-webhook-id': value,
    'x-signature': fc.oneof(value, fc.stringMatching(/^[0-9a-f]{128}$/)),
  });

  test('is refused with a MoovWebhookError and no other', async () => {
    await fc.assert(
      fc.asyncProperty(sent, fc.anything(), async (headers, given) => {
        expect(await rejection(verifyMoovWebhook({ headers, body: given }, { secret }))).toMatchObject({
          code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
        });
      }),
    );
  });

  test('is an event or a MoovWebhookError when it is signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything({ withBigInt: true, withSparseArray: true }), async (given) => {
        const request = { headers: signedHeaders(), body: given };
        const result: unknown = await verifyMoovWebhook(request, { secret }).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'ERR_MOOV_WEBHOOK_BODY' });
        else expect(result).toMatchObject({ eventID: expect.any(String), type: expect.any(String) });
      }),
    );
  });

  test('is accepted with any nonce and webhook ID that Moov has signed', async () => {
    const text = fc.string({ minLength: 1 });
    await fc.assert(
      fc.asyncProperty(text, text, async (nonce, webhookID) => {
        expect(
          await verifyMoovWebhook({ headers: signedHeaders({ nonce, webhookID }), body }, { secret }),
        ).toEqual(event);
      }),
    );
  });
});

test('errors show no secret, and not the signature that would have been right', async () => {
  const headers = signedHeaders({ timestamp: ago(360_000) });
  const requests = [
    { headers: { ...headers, 'x-signature': 'f'.repeat(128) }, body },
    { headers, body },
    { headers: signedHeaders(), body: 'no JSON' },
  ];
  for (const request of requests) {
    const error = await rejection(verifyMoovWebhook(request, { secret }));
    expect(error).toBeInstanceOf(MoovWebhookError);
    expectNoSecret(error, secret, headers['x-signature'] ?? '');
  }
});

test.each([undefined, null, 'X-Signature: a'])(
  'headers that are no object are an error of the caller: %s',
  async (headers) => {
    const error = await rejection(
      verifyMoovWebhook(JSON.parse(JSON.stringify({ headers, body })), { secret }),
    );
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^headers: expected the headers of the request; got /),
    });
  },
);

test('a missing secret is an error of the configuration', async () => {
  const error = await rejection(verifyMoovWebhook({ headers: signedHeaders(), body }));
  expect(error).toBeInstanceOf(MoovConfigError);
});

function upperCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
}

function mapValues(
  headers: Record<string, string>,
  change: (value: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, change(value)]));
}
