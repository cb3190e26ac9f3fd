import { randomUUID } from 'node:crypto';
import { Moov } from '@moovio/sdk';
import {
  APIError,
  AuthTokenRequestError,
  CardAcquiringRefund,
  CreateAccountError,
  GenericError,
  RefundValidationError,
  RevokeTokenRequestError,
  Transfer,
  TransferValidationError,
} from '@moovio/sdk/models/errors/index.js';
import { describe, expect, test } from 'vitest';
import { startSandbox } from '../helpers/moov.js';
import { mint, ORIGIN, order, transferScopes } from './helpers.js';
import { failureOf, httpClient, withKey, withScopes } from './sdk-client.js';

const business = {
  accountType: 'business',
  profile: { business: { legalBusinessName: 'Whole Body Fitness' } },
} as const;

describe('tokens', () => {
  test('are made with credentials in the body, refreshed and revoked', async () => {
    const sandbox = await startSandbox();
    const moov = new Moov({ serverURL: sandbox.url, httpClient: httpClient() });
    const created = await moov.authentication.createAccessToken({
      grantType: 'client_credentials',
      ...sandbox.credentials,
      scope: '/ping.read /accounts.read',
    });
    expect(created.result).toMatchObject({ tokenType: 'Bearer', scope: '/ping.read /accounts.read' });
    expect(Math.abs(created.result.expiresIn - Date.now() / 1000 - 3600)).toBeLessThan(5);

    const refreshed = await moov.authentication.createAccessToken({
      grantType: 'refresh_token',
      ...sandbox.credentials,
      refreshToken: created.result.refreshToken,
    });
    expect(refreshed.result.scope).toBe('/ping.read /accounts.read');
    expect(refreshed.result.accessToken).not.toBe(created.result.accessToken);
    expect(refreshed.result.refreshToken).not.toBe(created.result.refreshToken);

    const revoked = await moov.authentication.revokeAccessToken({
      token: refreshed.result.accessToken,
      tokenTypeHint: 'access_token',
      ...sandbox.credentials,
    });
    expect(revoked?.headers).toHaveProperty('x-request-id');
    expect(sandbox.stats).toMatchObject({
      tokensMinted: 2,
      tokenRequests: 2,
      revokeRequests: 1,
      tokensRevoked: 1,
    });
  });

  test('are refused with 400 as GenericError', async () => {
    const sandbox = await startSandbox();
    const { authentication } = withKey(sandbox);
    const error = await failureOf(authentication.createAccessToken({ grantType: 'client_credentials' }));
    expect(error).toBeInstanceOf(GenericError);
    expect(error).toMatchObject({ statusCode: 400, error: expect.stringContaining('scope') });
    expect(await failureOf(authentication.revokeAccessToken({ token: '' }))).toBeInstanceOf(GenericError);
  });

  test('are refused with 422 as AuthTokenRequestError, field by field', async () => {
    const sandbox = await startSandbox();
    const { authentication } = withKey(sandbox);
    const scope = await failureOf(
      authentication.createAccessToken({ grantType: 'client_credentials', scope: '/nonsense.read' }),
    );
    expect(scope).toBeInstanceOf(AuthTokenRequestError);
    expect(scope).toMatchObject({ statusCode: 422, scope: expect.stringContaining('/nonsense.read') });
    const refresh = await failureOf(
      authentication.createAccessToken({ grantType: 'refresh_token', refreshToken: 'x'.repeat(4097) }),
    );
    expect(refresh).toBeInstanceOf(AuthTokenRequestError);
    expect(refresh).toMatchObject({ refreshToken: expect.stringContaining('4096') });
  });

  test('are not revoked with 422 as RevokeTokenRequestError', async () => {
    const sandbox = await startSandbox();
    const error = await failureOf(
      withKey(sandbox).authentication.revokeAccessToken({ token: 'x'.repeat(4097) }),
    );
    expect(error).toBeInstanceOf(RevokeTokenRequestError);
    expect(error).toMatchObject({ statusCode: 422, token: expect.stringContaining('4096') });
  });

  test('are refused to wrong credentials with an APIError of 401', async () => {
    const sandbox = await startSandbox();
    const moov = new Moov({
      serverURL: sandbox.url,
      security: { username: sandbox.credentials.clientId, password: 'wrong' },
      httpClient: httpClient(),
    });
    const error = await failureOf(
      moov.authentication.createAccessToken({ grantType: 'client_credentials', scope: '/ping.read' }),
    );
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ statusCode: 401, body: '' });
  });
});

describe('ping and accounts', () => {
  test('ping with a token, and 401 from another origin', async () => {
    const sandbox = await startSandbox();
    const { access_token: accessToken } = await mint(sandbox, '/ping.read');
    const at = (origin: string) =>
      new Moov({ serverURL: sandbox.url, accessToken, httpClient: httpClient(origin) });
    expect((await at(ORIGIN).ping.ping())?.headers).toHaveProperty('x-request-id');
    const error = await failureOf(at('https://evil.example.com').ping.ping());
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ statusCode: 401, body: '' });
  });

  test('an account is created, listed and got, of either type', async () => {
    const sandbox = await startSandbox();
    const moov = await withScopes(sandbox, '/accounts.read /accounts.write');
    const { result: company } = await moov.accounts.create({
      ...business,
      foreignID: 'gym-1',
      metadata: { a: 'b' },
    });
    expect(company).toMatchObject({
      displayName: 'Whole Body Fitness',
      foreignID: 'gym-1',
      metadata: { a: 'b' },
    });
    const { result: person } = await moov.accounts.create({
      accountType: 'individual',
      profile: {
        individual: {
          name: { firstName: 'Jules', lastName: 'Jackson' },
          birthDate: { day: 9, month: 11, year: 1989 },
          governmentID: { ssn: { full: '123-45-6789', lastFour: '6789' } },
        },
      },
    });
    expect(person).toMatchObject({
      displayName: 'Jules Jackson',
      profile: { individual: { birthDateProvided: true, governmentIDProvided: true } },
    });
    const { result: taxed } = await moov.accounts.create({
      accountType: 'business',
      profile: { business: { legalBusinessName: 'Taxed', taxID: { ein: { number: '12-3456789' } } } },
    });
    expect(taxed).toMatchObject({ profile: { business: { taxIDProvided: true } } });
    expect(JSON.stringify(sandbox.accounts)).not.toContain('6789');
    const { result: listed } = await moov.accounts.list({ count: 2, skip: 1 });
    expect(listed.map(({ accountID }) => accountID)).toEqual([company.accountID, person.accountID]);
    expect((await moov.accounts.get({ accountID: company.accountID })).result).toEqual(company);
    expect(await failureOf(moov.accounts.get({ accountID: randomUUID() }))).toMatchObject({
      statusCode: 404,
    });
  });

  test('an account is refused with 422 as CreateAccountError', async () => {
    const sandbox = await startSandbox();
    const error = await failureOf(withKey(sandbox).accounts.create({ accountType: 'business', profile: {} }));
    expect(error).toBeInstanceOf(CreateAccountError);
    expect(error).toMatchObject({ profile: { business: { legalBusinessName: 'is required' } } });
  });

  test('wallets and bank accounts of one account', async () => {
    const sandbox = await startSandbox();
    const { result } = await withKey(sandbox).accounts.create(business);
    const { accountID } = result;
    const moov = await withScopes(sandbox, `/accounts/${accountID}/wallets.read`);
    expect((await moov.wallets.list({ accountID })).result).toEqual([]);
    expect(await failureOf(moov.bankAccounts.list({ accountID }))).toMatchObject({ statusCode: 403 });
    expect((await withKey(sandbox).bankAccounts.list({ accountID })).result).toEqual([]);
  });
});

describe('transfers', () => {
  test('one is created, listed and got', async () => {
    const sandbox = await startSandbox();
    const accountID = sandbox.platformAccountID;
    const { transfers } = await withScopes(sandbox, transferScopes(sandbox));
    const key = randomUUID();
    const createTransfer = {
      ...order,
      description: 'Membership',
      metadata: { month: '07' },
      foreignID: 'o-1',
    };
    const { result } = await transfers.create({ accountID, xIdempotencyKey: key, createTransfer });
    expect(Object.keys(result).sort()).toEqual(['createdOn', 'transferID']);
    const { result: got } = await transfers.get({ accountID, transferID: result.transferID });
    expect(got).toMatchObject({ ...createTransfer, status: 'pending' });
    expect((await transfers.list({ accountID })).result).toEqual([got]);
    expect(sandbox.transfers).toMatchObject([{ transferID: result.transferID, idempotencyKey: key }]);
  });

  test('with X-Wait-For the reply is the whole transfer', async () => {
    const sandbox = await startSandbox();
    const { transfers } = withKey(sandbox);
    const { result } = await transfers.create({
      accountID: sandbox.platformAccountID,
      xIdempotencyKey: randomUUID(),
      xWaitFor: 'rail-response',
      createTransfer: order,
    });
    expect(result).toMatchObject(order);
  });

  test('a repeated key is answered with the original, as the typed error Transfer', async () => {
    const sandbox = await startSandbox();
    const { transfers } = withKey(sandbox);
    const request = {
      accountID: sandbox.platformAccountID,
      xIdempotencyKey: randomUUID(),
      createTransfer: order,
    };
    const { result } = await transfers.create(request);
    const error = await failureOf(transfers.create(request));
    expect(error).toBeInstanceOf(Transfer);
    expect(error).toMatchObject({ statusCode: 409, transferID: result.transferID, ...order });
    expect(sandbox.transfers).toHaveLength(1);
    expect(sandbox.stats).toMatchObject({ transfersCreated: 1, conflicts: 1 });
  });

  test('one is refused with 422 as TransferValidationError, and with 400 as GenericError', async () => {
    const sandbox = await startSandbox();
    const { transfers } = withKey(sandbox);
    const accountID = sandbox.platformAccountID;
    const withOrder = (
      createTransfer: Parameters<typeof transfers.create>[0]['createTransfer'],
      key: string,
    ) => failureOf(transfers.create({ accountID, xIdempotencyKey: key, createTransfer }));

    const amount = await withOrder({ ...order, amount: { currency: 'USD', value: 0 } }, 'a');
    expect(amount).toBeInstanceOf(TransferValidationError);
    expect(amount).toMatchObject({ statusCode: 422, amount: expect.stringContaining('positive') });
    expect(await withOrder({ ...order, source: {} }, 'a')).toMatchObject({
      sourcePaymentMethodID: 'is required',
    });
    expect(await withOrder({ ...order, destination: { paymentMethodID: '' } }, 'a')).toMatchObject({
      destinationPaymentMethodID: 'is required',
    });
    expect(await withOrder(order, 'x'.repeat(37))).toBeInstanceOf(GenericError);
    expect(sandbox.transfers).toEqual([]);
  });
});

describe('refunds and reversals', () => {
  async function paid() {
    const sandbox = await startSandbox();
    const accountID = sandbox.platformAccountID;
    const { transfers } = await withScopes(sandbox, transferScopes(sandbox));
    const { result } = await transfers.create({
      accountID,
      xIdempotencyKey: randomUUID(),
      createTransfer: order,
    });
    return { sandbox, transfers, ids: { accountID, transferID: result.transferID } };
  }

  test('a refund is created, listed and got, and shows on its transfer', async () => {
    const { transfers, ids } = await paid();
    const { result } = await transfers.initiateRefund({
      ...ids,
      xIdempotencyKey: randomUUID(),
      createRefund: { amount: 200 },
    });
    expect(result).toMatchObject({ amount: { currency: 'USD', value: 200 } });
    expect(result).not.toHaveProperty('status');
    const { result: got } = await transfers.getRefund({ ...ids, refundID: result.refundID });
    expect(got).toMatchObject({ refundID: result.refundID, status: 'completed' });
    expect((await transfers.listRefunds(ids)).result).toEqual([got]);
    const { result: transfer } = await transfers.get(ids);
    expect(transfer).toMatchObject({
      refundedAmount: { value: 200 },
      refunds: [{ refundID: result.refundID }],
    });
  });

  test('without a body all that is left is refunded, and no more', async () => {
    const { transfers, ids, sandbox } = await paid();
    const first = { ...ids, xIdempotencyKey: 'first', createRefund: { amount: 1200 } };
    await transfers.initiateRefund(first);
    const rest = await transfers.initiateRefund({
      ...ids,
      xIdempotencyKey: 'rest',
      xWaitFor: 'rail-response',
    });
    expect(rest.result).toMatchObject({ amount: { value: 4 }, status: 'completed' });
    const error = await failureOf(transfers.initiateRefund({ ...first, xIdempotencyKey: 'more' }));
    expect(error).toBeInstanceOf(RefundValidationError);
    expect(error).toMatchObject({ statusCode: 422, amount: expect.stringContaining('at most 0') });
    expect(sandbox.refunds.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['first', 'rest']);
  });

  test('a repeated key is answered with the original, as the typed error CardAcquiringRefund', async () => {
    const { transfers, ids, sandbox } = await paid();
    const request = { ...ids, xIdempotencyKey: randomUUID(), createRefund: { amount: 100 } };
    const { result } = await transfers.initiateRefund(request);
    const error = await failureOf(transfers.initiateRefund(request));
    expect(error).toBeInstanceOf(CardAcquiringRefund);
    expect(error).toMatchObject({ statusCode: 409, refundID: result.refundID, amount: { value: 100 } });
    expect(sandbox.refunds).toHaveLength(1);
  });

  test('a reversal of what has settled makes a refund; a repeated key is a GenericError of 409', async () => {
    const { transfers, ids, sandbox } = await paid();
    sandbox.settle(ids.transferID);
    const request = { ...ids, xIdempotencyKey: randomUUID(), createReversal: { amount: 1204 } };
    const { result } = await transfers.createReversal(request);
    expect(result).toMatchObject({ refund: { amount: { value: 1204 }, status: 'completed' } });
    const error = await failureOf(transfers.createReversal(request));
    expect(error).toBeInstanceOf(GenericError);
    expect(error).toMatchObject({ statusCode: 409 });
    expect(sandbox.refunds).toHaveLength(1);
  });
});
