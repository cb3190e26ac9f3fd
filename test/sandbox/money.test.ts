import { randomUUID } from 'node:crypto';
import { TransferValidationError } from '@moovio/sdk/models/errors/index.js';
import { describe, expect, test } from 'vitest';
import type { MoovSandbox, SandboxSeed } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { failureOf, withKey } from './sdk-client.js';

// Where money is after each step, seen through Moov's SDK.

const DECLINED = '4000020000000000';

const seed = {
  platform: { walletBalance: 10_000, bankAccounts: [{}] },
  accounts: [
    { name: 'Buyer', walletBalance: 2_000, cards: [{}, { cardNumber: DECLINED }], bankAccounts: [{}] },
    {
      name: 'Merchant',
      capabilities: ['wallet', 'collect-funds.card-payments'],
      bankAccounts: [{ verified: false }],
    },
  ],
} satisfies SandboxSeed;

/** The payment methods in the seed. */
function methodsOf({ seeded }: MoovSandbox) {
  const [buyer, merchant] = seeded.accounts;
  const bank = buyer?.bankAccounts[0]?.paymentMethodIDs;
  return {
    'the buyer’s card': buyer?.cards[0]?.paymentMethodID,
    'the declined card': buyer?.cards[1]?.paymentMethodID,
    'the buyer’s wallet': buyer?.wallet?.paymentMethodID,
    'the buyer’s bank, to collect': bank?.['ach-debit-collect'],
    'the buyer’s bank, to fund': bank?.['ach-debit-fund'],
    'the buyer’s bank, to pay out': bank?.['ach-credit-same-day'],
    'the merchant’s wallet': merchant?.wallet?.paymentMethodID,
    'the platform’s wallet': seeded.platform.wallet?.paymentMethodID,
    'the platform’s bank, to pay out':
      seeded.platform.bankAccounts[0]?.paymentMethodIDs['ach-credit-standard'],
    'nobody’s': randomUUID(),
  };
}

type Method = keyof ReturnType<typeof methodsOf>;

async function pay(sandbox: MoovSandbox, source: Method, destination: Method, value: number) {
  const methods = methodsOf(sandbox);
  const { result } = await withKey(sandbox).transfers.create({
    accountID: sandbox.platformAccountID,
    xIdempotencyKey: randomUUID(),
    xWaitFor: 'rail-response',
    createTransfer: {
      source: { paymentMethodID: methods[source] ?? 'not seeded' },
      destination: { paymentMethodID: methods[destination] ?? 'not seeded' },
      amount: { currency: 'USD', value },
    },
  });
  return result;
}

/** What is in the wallets of the platform, the buyer and the merchant. */
async function balances(sandbox: MoovSandbox): Promise<number[]> {
  const { platform, accounts } = sandbox.seeded;
  const wallets = [platform, ...accounts].map(({ accountID }) =>
    withKey(sandbox).wallets.list({ accountID }),
  );
  return (await Promise.all(wallets)).map(({ result }) => result[0]?.availableBalance.value ?? Number.NaN);
}

const start = () => startSandbox({ seed });

test('money moves from wallet to wallet at once', async () => {
  const sandbox = await start();
  const transfer = await pay(sandbox, 'the buyer’s wallet', 'the merchant’s wallet', 500);
  expect(transfer).toMatchObject({ status: 'completed', completedOn: expect.any(Date) });
  expect(await balances(sandbox)).toEqual([10_000, 1_500, 500]);
});

test('a wallet can’t pay what it does not hold', async () => {
  const sandbox = await start();
  const transfer = await pay(sandbox, 'the buyer’s wallet', 'the merchant’s wallet', 2_001);
  expect(transfer).toMatchObject({ status: 'failed', failureReason: 'wallet-insufficient-funds' });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
});

test.each([
  ['the buyer’s card', 'cardDetails', 'confirmed'],
  ['the buyer’s bank, to fund', 'achDetails', 'initiated'],
] as const)('money from %s counts once it is settled', async (source, details, status) => {
  const sandbox = await start();
  const transfer = await pay(sandbox, source, 'the merchant’s wallet', 500);
  expect(transfer).toMatchObject({ status: 'pending', source: { [details]: { status } } });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
  const settled = sandbox.settle(transfer.transferID);
  expect(settled).toMatchObject({ status: 'completed', source: { [details]: { status: 'completed' } } });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 500]);
});

test('a payout leaves the wallet at once, and comes back when the bank returns it', async () => {
  const sandbox = await start();
  const transfer = await pay(sandbox, 'the platform’s wallet', 'the platform’s bank, to pay out', 700);
  expect(transfer).toMatchObject({ status: 'pending', destination: { achDetails: { status: 'initiated' } } });
  expect(await balances(sandbox)).toEqual([9_300, 2_000, 0]);
  expect(sandbox.settle(transfer.transferID, 'failed')).toMatchObject({
    status: 'failed',
    failureReason: 'destination-payment-error',
    destination: { achDetails: { status: 'returned' } },
  });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
});

test('what came by ACH can be returned after it was settled', async () => {
  const sandbox = await start();
  const { transferID } = await pay(sandbox, 'the buyer’s bank, to collect', 'the platform’s wallet', 300);
  sandbox.settle(transferID);
  expect(await balances(sandbox)).toEqual([10_300, 2_000, 0]);
  expect(sandbox.settle(transferID, 'reversed')).toMatchObject({ status: 'reversed' });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
});

test('Moov’s declining card fails the transfer, with the reason', async () => {
  const sandbox = await start();
  const transfer = await pay(sandbox, 'the declined card', 'the merchant’s wallet', 500);
  expect(transfer).toMatchObject({
    status: 'failed',
    failureReason: 'source-payment-error',
    source: { cardDetails: { status: 'failed', failureCode: 'call-issuer' } },
  });
});

test('an ACH transfer of 55.01 comes back as R01', async () => {
  const sandbox = await start();
  const transfer = await pay(sandbox, 'the buyer’s bank, to collect', 'the platform’s wallet', 5_501);
  expect(transfer).toMatchObject({ status: 'pending' });
  expect(sandbox.settle(transfer.transferID)).toMatchObject({
    status: 'failed',
    failureReason: 'source-payment-error',
    source: { achDetails: { status: 'returned', return: { code: 'R01' } } },
  });
  expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
});

describe('money back', () => {
  const reverse = (sandbox: MoovSandbox, transferID: string | undefined, amount: number) =>
    withKey(sandbox).transfers.createReversal({
      accountID: sandbox.platformAccountID,
      transferID: String(transferID),
      xIdempotencyKey: randomUUID(),
      createReversal: { amount },
    });

  test('a refund is taken from the wallet that was paid, also below zero', async () => {
    const sandbox = await start();
    const { transferID = '' } = await pay(sandbox, 'the buyer’s card', 'the merchant’s wallet', 500);
    sandbox.settle(transferID);
    await pay(sandbox, 'the merchant’s wallet', 'the platform’s wallet', 400);
    const { result } = await reverse(sandbox, transferID, 500);
    expect(result).toMatchObject({ refund: { amount: { value: 500 } } });
    expect(await balances(sandbox)).toEqual([10_400, 2_000, -400]);
  });

  test('a part of what has not settled is refunded, as it can’t be canceled', async () => {
    const sandbox = await start();
    const { transferID = '' } = await pay(sandbox, 'the buyer’s card', 'the merchant’s wallet', 500);
    expect((await reverse(sandbox, transferID, 100)).result).toMatchObject({ refund: {} });
    sandbox.settle(transferID);
    expect(await balances(sandbox)).toEqual([10_000, 2_000, 400]);
  });

  test('a payment with a refund can’t fail, as the wallet would be short of what was refunded', async () => {
    const sandbox = await start();
    const { transferID = '' } = await pay(sandbox, 'the buyer’s card', 'the merchant’s wallet', 500);
    await reverse(sandbox, transferID, 400);
    expect(() => sandbox.settle(transferID, 'failed')).toThrow('a transfer with a refund can only become');
    expect(sandbox.settle(transferID)).toMatchObject({ status: 'completed' });
    expect(await balances(sandbox)).toEqual([10_000, 2_000, 100]);
  });

  test('what was canceled can’t be settled, canceled again or refunded', async () => {
    const sandbox = await start();
    const { transferID = '' } = await pay(
      sandbox,
      'the platform’s wallet',
      'the platform’s bank, to pay out',
      9,
    );
    const transfer = { accountID: sandbox.platformAccountID, transferID };
    const { transfers } = withKey(sandbox);
    await transfers.createCancellation(transfer);
    expect(await balances(sandbox)).toEqual([10_000, 2_000, 0]);
    expect(() => sandbox.settle(transferID)).toThrow('this one is canceled');
    expect(await failureOf(transfers.createCancellation(transfer))).toMatchObject({ statusCode: 400 });
    expect(await failureOf(transfers.initiateRefund({ ...transfer, xIdempotencyKey: 'k' }))).toMatchObject({
      statusCode: 422,
      error: expect.stringContaining('card'),
    });
  });
});

test.each<[Method, Method, object]>([
  ['nobody’s', 'the merchant’s wallet', { sourcePaymentMethodID: 'there is no such payment method' }],
  ['the buyer’s card', 'nobody’s', { destinationPaymentMethodID: 'there is no such payment method' }],
  [
    'the buyer’s card',
    'the buyer’s bank, to pay out',
    { destinationPaymentMethodID: expect.stringContaining("can't go to") },
  ],
  [
    'the buyer’s bank, to pay out',
    'the merchant’s wallet',
    { sourcePaymentMethodID: "ach-credit-same-day can't be a source" },
  ],
  [
    'the buyer’s card',
    'the buyer’s wallet',
    { destinationPaymentMethodID: expect.stringContaining('collect-funds.card-payments') },
  ],
  [
    'the buyer’s bank, to collect',
    'the merchant’s wallet',
    { destinationPaymentMethodID: expect.stringContaining('collect-funds.ach') },
  ],
  [
    'the buyer’s wallet',
    'the buyer’s bank, to pay out',
    { sourcePaymentMethodID: expect.stringContaining('send-funds.ach') },
  ],
])('from %s to %s no money can go', async (source, destination, fields) => {
  const sandbox = await start();
  const error = await failureOf(pay(sandbox, source, destination, 100));
  expect(error).toBeInstanceOf(TransferValidationError);
  expect(error).toMatchObject({ statusCode: 422, ...fields });
  expect(sandbox.transfers).toEqual([]);
});

test.each([
  ['no transfer', undefined, 'no transfer of that ID'],
  ['a card payment that came back', 'reversed', 'goes over ACH'],
] as const)('settle refuses %s', async (_what, status, message) => {
  const sandbox = await start();
  const { transferID = '' } = await pay(sandbox, 'the buyer’s card', 'the merchant’s wallet', 500);
  sandbox.settle(transferID);
  expect(() => sandbox.settle(status === undefined ? 'none' : transferID, status)).toThrow(message);
});
