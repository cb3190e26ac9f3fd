import { accountsCreate } from '@moovio/sdk/funcs/accountsCreate.js';
import { accountsGet } from '@moovio/sdk/funcs/accountsGet.js';
import { afterAll, describe, expect, it } from 'vitest';
import { moovSdk } from '../../src/sdk/index.js';
import { rows } from '../helpers/full.js';
import { Inspector, newFigures } from '../security/inspector.js';
import { type Handler, json, whole } from '../security/servers.js';
import { outcome, start, watched } from '../security/start.js';

const figures = newFigures();
afterAll(() => {
  console.log('secrets in fetch and the SDK:', figures);
});

const account = {
  accountID: 'b1d2c3a4-0000-4000-8000-000000000001',
  mode: 'sandbox',
  accountType: 'business',
  displayName: 'x',
  profile: { business: { legalBusinessName: 'x', taxIDProvided: false, ownersProvided: false } },
  createdOn: '2026-01-01T00:00:00Z',
  updatedOn: '2026-01-01T00:00:00Z',
};

const answered =
  (status: number, body: object = {}, headers: Record<string, string> = {}): Handler =>
  (request, response) =>
    whole(request, () => json(response, status, body, headers));

const cut: Handler = (request) => request.socket.destroy();

/** Begins a reply, and stalls or breaks off. */
const begun =
  (breaksOff: boolean): Handler =>
  (request, response) =>
    whole(request, () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"a":', () => breaksOff && response.destroy());
    });

/** How calls end, and what of it shows: an error's name or a status. */
const endings: readonly [name: string, answer: Handler, get: string | number, post: string | number][] = [
  ['200', answered(200, { ok: true }), 200, 200],
  ['204', answered(204), 204, 204],
  ['401 for good', answered(401), 401, 401],
  ['422', answered(422, { error: 'no' }), 422, 422],
  ['503', answered(503), 503, 503],
  ['a redirect at Moov', answered(302, {}, { location: '/next' }), 302, 302],
  [
    'a redirect elsewhere',
    answered(302, {}, { location: 'https://evil.example.com/' }),
    'MoovOriginError',
    'MoovOriginError',
  ],
  ['a connection that is cut', cut, 'TypeError', 'TypeError'],
  ['a reply that breaks off', begun(true), 'TypeError', 'TypeError'],
  ['a reply that stalls', begun(false), 'TimeoutError', 'TimeoutError'],
];

/** Reads the reply to its end, if there is one; what the call, or the reading, ends with. */
async function ending(
  call: Promise<Response>,
  look: (response: Response) => Promise<void>,
): Promise<string | number> {
  const { value, error } = await outcome(call);
  if (error instanceof Error) return error.name;
  if (!(value instanceof Response)) throw new Error('neither a Response nor an Error');
  await look(value);
  const read = await outcome(value.text());
  await look(value);
  return read.error instanceof Error ? read.error.name : value.status;
}

describe('no secret can be seen in a fetch that ends with', () => {
  it.each(endings)('%s', async (_name, answer, get, post) => {
    const { fake, moov, secrets, everything } = await start({ attemptTimeoutMs: 200 });
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    fake.api = answer;
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{}'));
        controller.close();
      },
    });
    const requests: [Request, expected: string | number][] = [
      [new Request(`${fake.url}/accounts`), get],
      [new Request(`${fake.url}/accounts`, { method: 'POST', body: '{}' }), post],
    ];
    for (const [request, expected] of requests) {
      const call = watched(moov.fetch(request));
      const end = await ending(call, (response) =>
        inspector.expectNone({
          response,
          'its headers': response.headers,
          'its body': response.body,
          'a clone': response.bodyUsed ? undefined : response.clone(),
        }),
      );
      expect(end).toBe(expected);
      const { error } = await outcome(call);
      const parts = { call, request, error, cause: error instanceof Error ? error.cause : undefined };
      await inspector.expectNone(parts, everything());
    }
    const init = { method: 'POST', body: stream, duplex: 'half' } as const;
    const { value, error } = await outcome(moov.fetch('/accounts', init));
    await inspector.expectNone({ init, stream, value, error }, { fetch: moov.fetch, for: moov.fetchFor() });
  });

  it('an abort, of the call and of the reading', async () => {
    const { fake, moov, secrets, everything } = await start();
    const inspector = new Inspector(figures, secrets);
    fake.api = begun(false);
    const controller = new AbortController();
    const response = await moov.fetch('/accounts', { signal: controller.signal });
    const reading = watched(response.text());
    const writing = watched(
      moov.fetch('/accounts', { method: 'POST', body: '{}', signal: controller.signal }),
    );
    await fake.arrived(2);
    controller.abort();
    const errors = [(await outcome(reading)).error, (await outcome(writing)).error];
    expect(errors).toMatchObject([{ name: 'AbortError' }, { name: 'AbortError' }]);
    await inspector.expectNone({ controller, response, reading, writing, errors }, everything());
  });
});

describe('no secret can be seen in the SDK, its results and its errors, for a reply of', () => {
  // It is moov.fetch that carries them, as above.
  const own = rows(endings, 3).map(([name, answer]) => [name, answer] as const);
  it.each([...own, ['an account', answered(200, account)] as const])('%s', async (_name, answer) => {
    const { fake, moov, secrets, everything } = await start({ attemptTimeoutMs: 200 });
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    fake.api = answer;
    const logged: unknown[] = [];
    const log = (...line: unknown[]) => void logged.push(line);
    const sdk = moovSdk(moov, { debugLogger: { group: log, groupEnd: log, log } });
    const profile = { business: { legalBusinessName: 'x' } };
    for (const call of [
      accountsGet(sdk, { accountID: account.accountID }),
      accountsCreate(sdk, { accountType: 'business', profile }),
    ]) {
      // An error of reading the reply comes as it is.
      const [result, meta] = await call.$inspect().catch((error: unknown) => {
        const none = { request: undefined, response: undefined };
        return [{ ok: false, error }, none] as const;
      });
      const { request, response } = meta;
      expect(request?.headers.has('authorization')).not.toBe(true);
      const error: unknown = result.ok ? undefined : result.error;
      const cause = error instanceof Error ? error.cause : undefined;
      const values = { result, meta, request, response, error, cause };
      // Its getters would make parts of themselves on the prototype that they are read from.
      const standing = { 'its own': { ...sdk }, 'its options': sdk._options, logged };
      await inspector.expectNone(values, { ...everything(), ...standing });
    }
    expect(logged.length).toBeGreaterThan(0);
    expect(fake.arrivals.every(({ headers }) => headers.authorization?.startsWith('Bearer '))).toBe(true);
  });
});
