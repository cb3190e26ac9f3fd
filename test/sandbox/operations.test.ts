import { createHmac, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Moov } from '@moovio/sdk';
import type { CreateWebhook } from '@moovio/sdk/models/components/index.js';
import { describe, expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { full } from '../helpers/full.js';
import { serve } from '../helpers/http-server.js';
import { startSandbox } from '../helpers/moov.js';
import { send } from './helpers.js';
import { failureOf, withKey, withScopes } from './sdk-client.js';

// One operation of Moov's SDK a row: its scope, the call, and what the response has. The SDK checks the shape of each
// response, and in a full run each row is also tried with a token that lacks the scope.

const seed = {
  platform: { walletBalance: 100_000 },
  accounts: [
    {
      name: 'Ada Lovelace',
      foreignID: 'user-1',
      walletBalance: 50_000,
      cards: [{}],
      bankAccounts: [{ verified: false }],
    },
  ],
};

const USD = (value: number) => ({ currency: 'USD', value });

/** A sandbox with the seed, and the IDs in it. */
async function start() {
  const sandbox = await startSandbox({ seed });
  const { platform, accounts } = sandbox.seeded;
  const [ada] = accounts;
  const [card] = ada?.cards ?? [];
  const [bankAccount] = ada?.bankAccounts ?? [];
  if (!ada?.wallet || !platform.wallet || !card || !bankAccount) throw new Error('the seed is not there');
  const own = { accountID: ada.accountID };
  const platformAccount = { accountID: platform.accountID };
  const payByCard = {
    source: { paymentMethodID: card.paymentMethodID },
    destination: { paymentMethodID: platform.wallet.paymentMethodID },
    amount: USD(1204),
  };
  const pay = async () => {
    const { result } = await withKey(sandbox).transfers.create({
      ...platformAccount,
      xIdempotencyKey: randomUUID(),
      createTransfer: payByCard,
    });
    return { ...platformAccount, transferID: result.transferID };
  };
  return { sandbox, own, platformAccount, wallet: ada.wallet, card, bankAccount, payByCard, pay };
}

type World = Awaited<ReturnType<typeof start>>;
type Call = (moov: Moov, world: World) => Promise<unknown>;

/** The name of the operation, its scope (of Ada's account as {own}, of the platform's as {platform}), call and result. */
type Row = readonly [operation: string, scope: string, call: Call, result: object];

const newBankAccount = {
  account: {
    holderName: 'Ada Lovelace',
    holderType: 'individual',
    accountNumber: '0004321567000',
    bankAccountType: 'savings',
    routingNumber: '021000021',
  },
} as const;
const newCard = {
  cardNumber: '5555555555554444',
  cardCvv: '111',
  expiration: { month: '01', year: '49' },
  holderName: 'Ada Lovelace',
  billingAddress: { addressLine1: '12 Main St', postalCode: '22222' },
};
const newWebhook: CreateWebhook = {
  url: 'https://app.example.com/webhooks',
  status: 'enabled',
  eventTypes: ['transfer.updated'],
  description: 'All there is',
};

const rows: readonly Row[] = [
  [
    'accounts.get',
    '/accounts/{own}/profile.read',
    (moov, { own }) => moov.accounts.get(own),
    { displayName: 'Ada Lovelace', foreignID: 'user-1', capabilities: [{ capability: 'transfers' }, {}] },
  ],
  [
    'accounts.update',
    '/accounts/{own}/profile.write',
    (moov, { own }) =>
      moov.accounts.update({
        ...own,
        patchAccount: {
          profile: {
            individual: {
              name: { firstName: 'Ada', lastName: 'King' },
              birthDate: { day: 10, month: 12, year: 1815 },
            },
          },
          metadata: { title: 'Countess' },
        },
      }),
    {
      displayName: 'Ada King',
      foreignID: 'user-1',
      metadata: { title: 'Countess' },
      profile: { individual: { email: 'account-1@example.com', birthDateProvided: true } },
    },
  ],
  [
    'accounts.disconnect',
    '/accounts/{own}/profile.disconnect',
    async (moov, { own, sandbox }) => {
      await moov.accounts.disconnect(own);
      const key = withKey(sandbox);
      const { result: listed } = await key.accounts.list({});
      const { result: all } = await key.accounts.list({ includeDisconnected: true });
      const refused = await failureOf(key.cards.link({ ...own, linkCard: newCard }));
      return { listed: listed.length, all: all.length, refused };
    },
    { listed: 1, all: 2, refused: { statusCode: 403 } },
  ],
  [
    'capabilities.request',
    '/accounts/{own}/capabilities.write',
    (moov, { own }) =>
      moov.capabilities.request({
        ...own,
        addCapabilities: { capabilities: ['collect-funds.card-payments', 'send-funds.ach'] },
      }),
    [
      { capability: 'collect-funds.card-payments', status: 'enabled' },
      { capability: 'send-funds.ach', status: 'enabled' },
    ],
  ],
  [
    'capabilities.list',
    '/accounts/{own}/capabilities.read',
    (moov, { own }) => moov.capabilities.list(own),
    [{ capability: 'transfers' }, { capability: 'wallet' }],
  ],
  [
    'capabilities.get',
    '/accounts/{own}/capabilities.read',
    (moov, { own }) => moov.capabilities.get({ ...own, capabilityID: 'wallet' }),
    { capability: 'wallet', status: 'enabled' },
  ],
  [
    'bankAccounts.link',
    '/accounts/{own}/bank-accounts.write',
    (moov, { own }) =>
      moov.bankAccounts.link({ ...own, xWaitFor: 'payment-method', linkBankAccount: newBankAccount }),
    {
      status: 'new',
      lastFourAccountNumber: '7000',
      paymentMethods: [
        { paymentMethodType: 'ach-credit-standard' },
        { paymentMethodType: 'ach-credit-same-day' },
      ],
    },
  ],
  [
    'bankAccounts.list',
    '/accounts/{own}/bank-accounts.read',
    (moov, { own }) => moov.bankAccounts.list(own),
    [{ status: 'new', holderName: 'Ada Lovelace' }],
  ],
  [
    'bankAccounts.get',
    '/accounts/{own}/bank-accounts.read',
    (moov, { own, bankAccount: { bankAccountID } }) => moov.bankAccounts.get({ ...own, bankAccountID }),
    { status: 'new', statusReason: 'bank-account-created', routingNumber: '322271627' },
  ],
  [
    'bankAccounts.disable',
    '/accounts/{own}/bank-accounts.write',
    async (moov, { own, sandbox, bankAccount: { bankAccountID } }) => {
      await moov.bankAccounts.disable({ ...own, bankAccountID });
      return withKey(sandbox).bankAccounts.list(own);
    },
    [],
  ],
  [
    'bankAccounts.initiateVerification',
    '/accounts/{own}/bank-accounts.write',
    (moov, { own, bankAccount: { bankAccountID } }) =>
      moov.bankAccounts.initiateVerification({ ...own, bankAccountID, xWaitFor: 'rail-response' }),
    { verificationMethod: 'instant', status: 'sent-credit' },
  ],
  [
    'bankAccounts.completeVerification',
    '/accounts/{own}/bank-accounts.write',
    async (moov, { own, sandbox, bankAccount: { bankAccountID } }) => {
      const account = { ...own, bankAccountID };
      await withKey(sandbox).bankAccounts.initiateVerification(account);
      const { result } = await moov.bankAccounts.completeVerification({
        ...account,
        completeBankAccountVerification: { code: 'MV0000' },
      });
      const methods = await withKey(sandbox).paymentMethods.list({ ...own, sourceID: bankAccountID });
      return { ...result, methods: methods.result.map(({ paymentMethodType }) => paymentMethodType) };
    },
    {
      status: 'successful',
      methods: ['ach-debit-fund', 'ach-debit-collect', 'ach-credit-standard', 'ach-credit-same-day'],
    },
  ],
  [
    'cards.link',
    '/accounts/{own}/cards.write',
    (moov, { own }) => moov.cards.link({ ...own, xWaitFor: 'payment-method', linkCard: newCard }),
    {
      brand: 'Mastercard',
      lastFourCardNumber: '4444',
      bin: '555555',
      cardVerification: { cvv: 'match', addressLine1: 'match', postalCode: 'noMatch' },
      paymentMethods: [{ paymentMethodType: 'card-payment' }],
    },
  ],
  [
    'cards.list',
    '/accounts/{own}/cards.read',
    (moov, { own }) => moov.cards.list(own),
    [{ brand: 'Visa', lastFourCardNumber: '1111' }],
  ],
  [
    'cards.get',
    '/accounts/{own}/cards.read',
    (moov, { own, card: { cardID } }) => moov.cards.get({ ...own, cardID }),
    { brand: 'Visa', expiration: { month: '12', year: '99' } },
  ],
  [
    'cards.disable',
    '/accounts/{own}/cards.write',
    async (moov, { own, sandbox, card: { cardID }, pay }) => {
      await moov.cards.disable({ ...own, cardID });
      const { result } = await withKey(sandbox).cards.list(own);
      return { left: result.length, payment: await failureOf(pay()) };
    },
    {
      left: 0,
      payment: { statusCode: 422, sourcePaymentMethodID: expect.stringContaining('no such payment method') },
    },
  ],
  [
    'paymentMethods.list',
    '/accounts/{own}/payment-methods.read',
    (moov, { own }) => moov.paymentMethods.list(own),
    [
      { paymentMethodType: 'moov-wallet' },
      { paymentMethodType: 'ach-credit-standard', bankAccount: { lastFourAccountNumber: '0001' } },
      { paymentMethodType: 'ach-credit-same-day' },
      { paymentMethodType: 'card-payment', card: { lastFourCardNumber: '1111' } },
    ],
  ],
  [
    'paymentMethods.get',
    '/accounts/{own}/payment-methods.read',
    (moov, { own, card: { paymentMethodID } }) => moov.paymentMethods.get({ ...own, paymentMethodID }),
    { paymentMethodType: 'card-payment', card: { brand: 'Visa' } },
  ],
  [
    'wallets.list',
    '/accounts/{own}/wallets.read',
    (moov, { own }) => moov.wallets.list({ ...own, status: 'active' }),
    [{ availableBalance: { currency: 'USD', value: 50_000, valueDecimal: '500.00' } }],
  ],
  [
    'wallets.get',
    '/accounts/{own}/wallets.read',
    (moov, { own, wallet: { walletID } }) => moov.wallets.get({ ...own, walletID }),
    { availableBalance: { value: 50_000 }, status: 'active', walletType: 'default' },
  ],
  [
    'transfers.generateOptions',
    '/accounts/{platform}/transfers.write',
    (moov, { own, platformAccount }) =>
      moov.transfers.generateOptions({
        ...platformAccount,
        createTransferOptions: { source: own, destination: platformAccount, amount: USD(100) },
      }),
    {
      sourceOptions: [{ paymentMethodType: 'moov-wallet' }, { paymentMethodType: 'card-payment' }],
      destinationOptions: [{ paymentMethodType: 'moov-wallet' }],
    },
  ],
  [
    'transfers.create',
    '/accounts/{platform}/transfers.write',
    (moov, { platformAccount, payByCard }) =>
      moov.transfers.create({
        ...platformAccount,
        xIdempotencyKey: 'k',
        xWaitFor: 'rail-response',
        createTransfer: payByCard,
      }),
    {
      status: 'pending',
      source: {
        account: { displayName: 'Ada Lovelace', email: 'account-1@example.com' },
        card: { lastFourCardNumber: '1111' },
        cardDetails: { status: 'confirmed' },
      },
      destination: { wallet: { walletType: 'default' } },
    },
  ],
  [
    'transfers.list',
    '/accounts/{platform}/transfers.read',
    async (moov, { own, platformAccount, pay }) => {
      await pay();
      return moov.transfers.list({ ...platformAccount, accountIDs: [own.accountID], refunded: false });
    },
    [{ status: 'pending', amount: USD(1204) }],
  ],
  [
    'transfers.get',
    '/accounts/{platform}/transfers.read',
    async (moov, { pay }) => moov.transfers.get(await pay()),
    { status: 'pending' },
  ],
  [
    'transfers.update',
    '/accounts/{platform}/transfers.write',
    async (moov, { pay }) =>
      moov.transfers.update({
        ...(await pay()),
        patchTransfer: { metadata: { order: '7' }, foreignID: 'order-7' },
      }),
    { metadata: { order: '7' }, foreignID: 'order-7' },
  ],
  [
    'transfers.createCancellation',
    '/accounts/{platform}/transfers.write',
    async (moov, { pay, sandbox }) => {
      const payment = await pay();
      const { result } = await moov.transfers.createCancellation(payment);
      const { result: transfer } = await withKey(sandbox).transfers.get(payment);
      return { ...result, transfer };
    },
    { status: 'completed', transfer: { status: 'canceled', cancellations: [{ status: 'completed' }] } },
  ],
  [
    'transfers.initiateRefund',
    '/accounts/{platform}/transfers.write',
    async (moov, { pay }) =>
      moov.transfers.initiateRefund({ ...(await pay()), xIdempotencyKey: 'k', createRefund: { amount: 4 } }),
    { amount: USD(4) },
  ],
  [
    'transfers.listRefunds',
    '/accounts/{platform}/transfers.read',
    async (moov, { pay }) => moov.transfers.listRefunds(await pay()),
    [],
  ],
  [
    'transfers.getRefund',
    '/accounts/{platform}/transfers.read',
    async (moov, { pay, sandbox }) => {
      const payment = await pay();
      const { result } = await withKey(sandbox).transfers.initiateRefund({
        ...payment,
        xIdempotencyKey: 'k',
      });
      return moov.transfers.getRefund({ ...payment, refundID: result.refundID });
    },
    { status: 'completed', amount: USD(1204) },
  ],
  [
    'transfers.createReversal',
    '/accounts/{platform}/transfers.write',
    async (moov, { pay }) =>
      moov.transfers.createReversal({
        ...(await pay()),
        xIdempotencyKey: 'k',
        createReversal: { amount: 1204 },
      }),
    { cancellation: { status: 'completed' } },
  ],
  [
    'files.upload',
    '/accounts/{own}/files.write',
    (moov, { own }) =>
      moov.files.upload({
        ...own,
        fileUploadRequestMultiPart: {
          file: { fileName: 'passport.png', content: new Uint8Array([1, 2, 3]) },
          filePurpose: 'identity_verification',
          metadata: { comment: 'Äda' },
        },
      }),
    {
      fileName: 'passport.png',
      filePurpose: 'identity_verification',
      fileStatus: 'pending',
      fileSizeBytes: 3,
      metadata: '{"comment":"Äda"}',
    },
  ],
  [
    'files.list',
    '/accounts/{own}/files.read',
    async (moov, { own, sandbox }) => {
      await upload(sandbox, own);
      return moov.files.list(own);
    },
    [{ fileName: 'a.pdf' }],
  ],
  [
    'files.get',
    '/accounts/{own}/files.read',
    async (moov, { own, sandbox }) => moov.files.get({ ...own, fileID: await upload(sandbox, own) }),
    { fileName: 'a.pdf', fileSizeBytes: 1 },
  ],
  [
    'webhooks.create',
    '',
    (moov) => moov.webhooks.create(newWebhook),
    { ...newWebhook, webhookID: expect.any(String) },
  ],
  [
    'webhooks.getSecret',
    '',
    async (moov) => {
      const { result } = await moov.webhooks.create(newWebhook);
      return moov.webhooks.getSecret({ webhookID: result.webhookID });
    },
    { secret: expect.stringMatching(/^\S{40,}$/) },
  ],
  [
    'webhooks.ping',
    '',
    async (moov) => {
      const server = await serve({ status: 202 });
      const { result: webhook } = await moov.webhooks.create({ ...newWebhook, url: `${server.url}/hook` });
      const { result } = await moov.webhooks.ping({ webhookID: webhook.webhookID });
      const { headers, body } = server.first;
      const { result: signing } = await moov.webhooks.getSecret({ webhookID: webhook.webhookID });
      const signed = `${headers['x-timestamp']}|${headers['x-nonce']}|${headers['x-webhook-id']}`;
      const signature = createHmac('sha512', signing.secret).update(signed).digest('hex');
      return {
        ...result,
        sent: JSON.parse(body),
        isSigned: headers['x-signature'] === signature && headers['x-webhook-id'] === webhook.webhookID,
      };
    },
    {
      responseStatusCode: 202,
      isSigned: true,
      sent: { type: 'event.test', data: { ping: true } },
      webhook: { lastUsedOn: expect.any(Date) },
    },
  ],
];

async function upload(sandbox: MoovSandbox, own: { accountID: string }): Promise<string> {
  const { result } = await withKey(sandbox).files.upload({
    ...own,
    fileUploadRequestMultiPart: {
      file: { fileName: 'a.pdf', content: new Uint8Array([1]) },
      filePurpose: 'merchant_underwriting',
    },
  });
  return result.fileID;
}

function resultOf(response: unknown): unknown {
  return response instanceof Object && 'result' in response ? response.result : response;
}

describe.each(rows)('%s', (_operation, scope, call, result) => {
  const fill = ({ own, platformAccount }: World) =>
    scope.replace('{own}', own.accountID).replace('{platform}', platformAccount.accountID);

  test(`works with a token for ${scope || 'anything'}`, async () => {
    const world = await start();
    const moov = await withScopes(world.sandbox, fill(world) || '/ping.read');
    expect(resultOf(await call(moov, world))).toMatchObject(result);
  });

  test.skipIf(scope === '' || !full)('is refused with 403 without it', async () => {
    const world = await start();
    const moov = await withScopes(world.sandbox, '/ping.read');
    expect(await failureOf(call(moov, world))).toMatchObject({ statusCode: 403, body: '' });
  });
});

describe('of the operations of Moov’s SDK', () => {
  const folder = 'node_modules/@moovio/sdk/src/funcs';
  const operations = readdirSync(folder).map((file) => {
    const source = readFileSync(`${folder}/${file}`, 'utf8');
    const path = /pathToFunc\(\s*"([^"]+)"/.exec(source)?.[1] ?? '';
    return { name: file.replace('.ts', ''), method: /method: "(\w+)"/.exec(source)?.[1] ?? '', path };
  });

  test('41 of 194 are served, and the others are answered with 501, which names the way out', async () => {
    const sandbox = await startSandbox();
    const statuses = await Promise.all(
      operations.map(async ({ method, path }) => {
        const filled = path.replace('{accountID}', sandbox.platformAccountID).replaceAll(/\{\w+\}/g, 'none');
        const response = await send(sandbox, method, filled);
        if (response.status === 501) expect(await response.text()).toContain('sandbox.respond(method, path');
        return response.status;
      }),
    );
    expect(statuses).toHaveLength(194);
    expect(statuses.filter((status) => status !== 501)).toHaveLength(41);
    expect(statuses).not.toContain(500);
  });
});
