import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { startSandbox } from '../helpers/moov.js';

/** One that holds that many tokens, each for an account of its own, and the sandbox they came from. */
export async function startPool(tokens: number, options: MoovAuthOptions = {}) {
  const sandbox = await startSandbox();
  const moov = moovAuth('/accounts/{accountID}/wallets.read', { ...sandbox.options, ...options });
  onTestFinished(() => moov.close());
  await Promise.all(Array.from({ length: tokens }, () => moov.accessToken({ accountID: randomUUID() })));
  return { sandbox, moov };
}
