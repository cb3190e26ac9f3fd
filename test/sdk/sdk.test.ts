import { randomUUID } from 'node:crypto';
import { HTTPClient, type Moov, type SDKOptions } from '@moovio/sdk';
import {
  APIError,
  ConnectionError,
  RequestAbortedError,
  RequestTimeoutError,
  Transfer,
  UnexpectedClientError,
} from '@moovio/sdk/models/errors/index.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  isMoovCallError,
  MoovConfigError,
  type MoovErrorCode,
  MoovScopeError,
  moovAuth,
} from '../../src/index.js';
import { moovSdk } from '../../src/sdk/index.js';
import { serve } from '../helpers/http-server.js';
import { failure, startMoov } from '../helpers/moov.js';
import { order } from '../sandbox/helpers.js';
import { startElsewhere } from '../security/servers.js';

const business = {
  accountType: 'business',
  profile: { business: { legalBusinessName: 'Whole Body Fitness' } },
} as const;

async function startSdk(...options: Parameters<typeof startMoov>) {
  const started = await startMoov(...options);
  const sdk: Moov = moovSdk(started.moov);
  const pay = (xIdempotencyKey: string = randomUUID()) =>
    sdk.transfers.create({
      accountID: started.sandbox.platformAccountID,
      xIdempotencyKey,
      createTransfer: order,
    });
  return { ...started, sdk, pay };
}

describe('the SDK on a MoovAuth', () => {
  it('makes typed calls over an expiry, a revocation and a 401 storm', async () => {
    const { moov, sandbox, sdk, pay } = await startSdk();
    await moov.ready();
    const troubles = [
      () => sandbox.expireTokens(),
      () => sandbox.revokeTokens(),
      () => sandbox.fail({ path: /^\/accounts/, status: 401, times: 1 }),
    ];
    for (const [index, trouble] of troubles.entries()) {
      trouble();
      const { result: account } = await sdk.accounts.create({ ...business, foreignID: `gym-${index}` });
      expect(account).toMatchObject({ displayName: 'Whole Body Fitness', foreignID: `gym-${index}` });
      expect(sandbox.stats.tokensMinted).toBe(index + 2);
      const { result } = await sdk.accounts.get({ accountID: account.accountID });
      expect(result).toEqual(account);
      const { result: transfer } = await pay();
      expect(sandbox.transfers.at(-1)).toMatchObject({ transferID: transfer.transferID });
    }
    expect((await sdk.accounts.list({})).result).toHaveLength(4);
    expect(sandbox.stats).toMatchObject({ accountsCreated: 3, transfersCreated: 3, unauthorized: 3 });
  });

  it('makes many calls with one token request, also when the token is lost', async () => {
    const { sandbox, sdk } = await startSdk();
    for (const minted of [1, 2]) {
      const replies = await Promise.all(Array.from({ length: 30 }, () => sdk.accounts.list({})));
      expect(replies.every(({ result }) => result.length === 1)).toBe(true);
      expect(sandbox.stats.tokenRequests).toBe(minted);
      sandbox.revokeTokens();
    }
  });

  it('replays payments made at once when the token is lost, and makes each once', async () => {
    const { moov, sandbox, pay } = await startSdk();
    await moov.ready();
    sandbox.revokeTokens();
    const paid = await Promise.all(Array.from({ length: 10 }, () => pay()));
    expect(new Set(paid.map(({ result }) => result.transferID)).size).toBe(10);
    expect(sandbox.stats).toMatchObject({ transfersCreated: 10, tokenRequests: 2 });
    expect(sandbox.stats.unauthorized).toBeGreaterThan(0);
  });

  it('sends its own X-Moov-Version and user agent, and the MoovAuth’s Origin', async () => {
    const { moov, sandbox } = await startSdk({ apiVersion: 'v2024.01.00' });
    await moovSdk(moov, { userAgent: 'mine/1' }).accounts.list({});
    await moov.fetch('/ping');
    const [first, second] = sandbox.requests.slice(-2).map(({ headers }) => headers);
    expect(first).toMatchObject({ origin: sandbox.origins[0], 'user-agent': 'mine/1' });
    expect(first?.['x-moov-version']).toMatch(/^v20\d\d\./);
    expect(first?.['x-moov-version']).not.toBe(second?.['x-moov-version']);
  });

  it('has the scopes and the account it is given', async () => {
    const { moov, sandbox, sdk } = await startSdk();
    const { accountID } = (await sdk.accounts.create(business)).result;
    const wallets = moovSdk(moov, { scopes: '/accounts/{accountID}/wallets.read', accountID });
    expect((await wallets.wallets.list({ accountID })).result).toEqual([]);
    expect(await failure(wallets.accounts.list({}))).toMatchObject({ statusCode: 403 });
    expect(sandbox.stats.tokenRequests).toBe(2);
    expect(() => moovSdk(moov, { scopes: '/accounts/{accountID}/wallets.read' })).toThrow(MoovScopeError);
  });

  it('keeps the path of a base URL', async () => {
    const server = await serve(({ path }) =>
      path === '/proxy/moov/oauth2/token'
        ? { body: { access_token: 'x', token_type: 'Bearer', expires_in: 900, scope: '/ping.read' } }
        : { status: path === '/proxy/moov/ping' ? 200 : 404 },
    );
    const moov = moovAuth('/ping.read', {
      baseURL: `${server.url}/proxy/moov`,
      clientId: 'a',
      clientSecret: 'b',
    });
    onTestFinished(() => moov.close());
    await moovSdk(moov).ping.ping();
    expect((await moov.fetch('/ping')).url).toBe(`${server.url}/proxy/moov/ping`);
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/proxy/moov/oauth2/token',
      '/proxy/moov/ping',
      '/proxy/moov/ping',
    ]);
  });
});

describe('money', () => {
  it('is not moved twice when a response is lost: the original comes as the SDK’s typed error', async () => {
    const { sandbox, pay } = await startSdk();
    sandbox.fail({ path: /\/transfers$/, drop: 'after' });
    const error = await failure(pay());
    expect(error).toBeInstanceOf(Transfer);
    expect(error).toMatchObject({ statusCode: 409, transferID: sandbox.transfers[0]?.transferID });
    expect(error.rawResponse).toMatchObject({ moov: { attempts: 2, ambiguous: false } });
    expect(sandbox.transfers).toHaveLength(1);
  });

  it('is sent as often as the MoovAuth decides: the SDK itself retries nothing', async () => {
    const { sandbox, pay, sdk } = await startSdk({ retries: 2 });
    const headers = { 'retry-after-ms': '1' };
    sandbox.fail({ path: /\/(transfers|accounts)$/, status: 503, headers, times: Number.POSITIVE_INFINITY });
    const error = await failure(pay());
    expect(error).toBeInstanceOf(APIError);
    expect(error.rawResponse).toMatchObject({ status: 503, moov: { attempts: 3, ambiguous: true } });
    const unkeyed = await failure(sdk.accounts.create(business));
    expect(unkeyed.rawResponse).toMatchObject({ status: 503, moov: { attempts: 1, ambiguous: true } });
    expect(sandbox.stats).toMatchObject({ apiRequests: 4, transfersCreated: 0 });
  });

  it('with unknown outcome is ambiguous, in the cause of the SDK’s error', async () => {
    const { sandbox, sdk, pay, moov } = await startSdk({ retries: 0, attemptTimeoutMs: 1_500 });
    await moov.ready();
    const told = (error: Error) => {
      if (!isMoovCallError(error.cause)) throw error;
      return error.cause.moov;
    };
    sandbox.fail({ path: /\/transfers$/, drop: 'after' });
    const cut = await failure(pay());
    expect(cut).toBeInstanceOf(ConnectionError);
    expect(told(cut)).toEqual({ attempts: 1, ambiguous: true });

    sandbox.fail({ path: /\/transfers$/, truncate: true });
    const short = await failure(pay());
    expect(told(short)).toMatchObject({ attempts: 1, ambiguous: true });

    sandbox.fail({ path: /\/transfers$/, delayMs: 5_000 });
    const late = await failure(pay());
    expect(late).toBeInstanceOf(RequestTimeoutError);
    expect(told(late)).toEqual({ attempts: 1, ambiguous: true });

    const aborted = await failure(sdk.accounts.create(business, { signal: AbortSignal.abort() }));
    expect(aborted).toBeInstanceOf(RequestAbortedError);
    expect(told(aborted)).toEqual({ attempts: 0, ambiguous: false });

    await moov.close();
    const closed = await failure(pay());
    expect(closed).toBeInstanceOf(UnexpectedClientError);
    const code: MoovErrorCode = 'ERR_MOOV_CLOSED';
    expect(closed.cause).toMatchObject({ code, moov: { attempts: 0, ambiguous: false } });
  });
});

describe('moovSdk refuses', () => {
  it.each<[keyof SDKOptions, SDKOptions]>([
    ['security', { security: { username: 'a', password: 'b' } }],
    ['accessToken', { accessToken: 'a' }],
    ['httpClient', { httpClient: new HTTPClient() }],
    ['serverURL', { serverURL: 'https://evil.example.com' }],
    ['serverIdx', { serverIdx: 0 }],
    ['retryConfig', { retryConfig: { strategy: 'backoff' } }],
  ])('%s', async (name, options) => {
    const { moov } = await startMoov();
    const bypass: object = options;
    expect(() => moovSdk(moov, bypass)).toThrow(MoovConfigError);
    expect(() => moovSdk(moov, bypass)).toThrow(`"${name}"`);
  });

  it('a MoovAuth whose instances have lost their base URL', async () => {
    const { moov } = await startMoov({ configure: ({ defaults }) => void delete defaults.baseURL });
    expect(() => moovSdk(moov)).toThrow(MoovConfigError);
    expect(() => moovSdk(moov)).toThrow('must not take the baseURL off');
  });

  it('a call that would leave Moov, or has its own key', async () => {
    const elsewhere = await startElsewhere();
    const { sdk, sandbox } = await startSdk();
    const away = await failure(sdk.accounts.list({}, { serverURL: elsewhere.url }));
    expect(away.cause).toMatchObject({ code: 'ERR_MOOV_ORIGIN' });
    const own = await failure(sdk.accounts.list({}, { headers: { authorization: 'Basic eDp5' } }));
    expect(own.cause).toMatchObject({ code: 'ERR_MOOV_CONFIG' });
    expect([elsewhere.connections, sandbox.stats.apiRequests]).toEqual([0, 0]);
  });
});
