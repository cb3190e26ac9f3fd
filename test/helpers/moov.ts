// Loaded beforehand, as the short time limits of tests are not meant for that.
import 'undici';
import { onTestFinished } from 'vitest';
import { type MoovAuth, type MoovAuthEvent, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { createMoovSandbox, type MoovSandbox, type MoovSandboxOptions } from '../../src/sandbox/index.js';
import { freePort } from './free-port.js';
import { payable } from './payable.js';

/** What most tests need of Moov: to read and write accounts and transfers. */
export function allScopes(sandbox: MoovSandbox): string[] {
  const transfers = `/accounts/${sandbox.platformAccountID}/transfers`;
  return ['/ping.read', '/accounts.read', '/accounts.write', `${transfers}.read`, `${transfers}.write`];
}

/**
 * A running sandbox that the end of the test closes, with a card to pay with. While a test has it closed, no other test
 * gets its port.
 */
export async function startSandbox(options: MoovSandboxOptions = {}): Promise<MoovSandbox> {
  const sandbox = createMoovSandbox({ seed: payable, ...options });
  await sandbox.listen(await freePort());
  onTestFinished(() => sandbox.close());
  return sandbox;
}

export interface Started {
  sandbox: MoovSandbox;
  moov: MoovAuth;
  events: MoovAuthEvent[];
  /** How many events of a type there were. */
  count(type: MoovAuthEvent['type']): number;
}

/** A sandbox and a `MoovAuth` in front of it; the end of the test closes both. */
export async function startMoov(
  options: MoovAuthOptions = {},
  sandboxOptions: MoovSandboxOptions = {},
): Promise<Started> {
  const sandbox = await startSandbox(sandboxOptions);
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth(allScopes(sandbox), {
    ...sandbox.options,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => moov.close());
  return { sandbox, moov, events, count: (type) => events.filter((event) => event.type === type).length };
}

/** What a promise rejects with; fails the test when it does not. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return Object.assign(error);
    throw new Error(`rejected with ${typeof error}, not an Error`);
  }
  throw new Error('expected a rejection');
}

/** Waits until a condition holds, looking often; fails after a generous while. */
export async function until(condition: () => boolean, what: string, ms = 30_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`still not so after ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
