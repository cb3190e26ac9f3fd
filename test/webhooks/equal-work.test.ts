import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { verifyMoovWebhook } from '../../src/index.js';
import { rejection } from '../helpers/printed.js';
import { event, secret, signedHeaders } from './deliveries.js';

const hmacs = vi.spyOn(crypto, 'createHmac');
const comparisons = vi.spyOn(crypto, 'timingSafeEqual');

beforeAll(() => syncBuiltinESMExports());
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const { 'x-signature': right = '', ...headers } = signedHeaders({ secret: 'the second one' });

test.each([
  ['wrong from its first digit', `${right.startsWith('0') ? '1' : '0'}${right.slice(1)}`],
  ['wrong in its last digit alone', `${right.slice(0, -1)}${right.endsWith('0') ? '1' : '0'}`],
  ['in upper case', right.toUpperCase()],
  ['too short', right.slice(0, -2)],
  ['too long', `${right}00`],
  ['no hexadecimal', 'signature'],
])('a signature that is %s is compared with that of each secret', async (_what, signature) => {
  hmacs.mockClear();
  comparisons.mockClear();
  const request = { headers: { ...headers, 'x-signature': signature }, body: event };
  const error = await rejection(
    verifyMoovWebhook(request, { secret: [secret, 'the second one', 'the third'] }),
  );
  expect(error).toMatchObject({ code: 'ERR_MOOV_WEBHOOK_SIGNATURE' });
  expect(hmacs).toHaveBeenCalledTimes(3);
  expect(comparisons).toHaveBeenCalledTimes(3);
});
