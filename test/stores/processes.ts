import { onTestFinished } from 'vitest';
import {
  type MoovAuthEvent,
  type MoovAuthOptions,
  memoryTokenStore,
  moovAuth,
  type TokenStore,
} from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';

/** A store of which operations are replaced, with the rest from another one. */
export function storeWith(operations: Partial<TokenStore>, base = memoryTokenStore()): TokenStore {
  return { ...base, ...operations };
}

/** Another process that has this store, and what it told. */
export function join(
  sandbox: MoovSandbox,
  store: TokenStore,
  options: MoovAuthOptions = {},
  scopes = '/ping.read',
) {
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth(scopes, {
    ...sandbox.options,
    store,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => moov.close());
  return { moov, types: () => events.map(({ type }) => type), events };
}
