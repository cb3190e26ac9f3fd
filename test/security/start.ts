import { onTestFinished } from 'vitest';
import { type MoovAuth, type MoovAuthEvent, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import type { Secret } from './secrets.js';
import { type FakeMoov, newSecret, startFakeMoov } from './servers.js';

export interface Started {
  fake: FakeMoov;
  moov: MoovAuth;
  clientSecret: string;
  events: MoovAuthEvent[];
  /** What the logger was given. */
  lines: unknown[];
  /** All that must not be seen, as of now. */
  secrets(): readonly Secret[];
  /** What an application can see of a `MoovAuth` at any time. */
  everything(): Record<string, unknown>;
  /** The parts of it that have names of their own, each to be looked at for itself. */
  parts(): Record<string, unknown>;
}

/** A fake Moov and a `MoovAuth` in front of it; the end of the test closes both. */
export async function start(
  options: MoovAuthOptions = {},
  arrange?: (fake: FakeMoov) => void,
): Promise<Started> {
  const fake = await startFakeMoov();
  arrange?.(fake);
  const clientSecret = newSecret();
  const events: MoovAuthEvent[] = [];
  const lines: unknown[] = [];
  const line = (message: string, fields: object) => lines.push({ fields, message });
  const moov = moovAuth('/ping.read', {
    baseURL: fake.url,
    origin: 'https://app.example.com',
    clientId: 'the-public-key',
    clientSecret,
    // A search takes its time, and calls may be on their way meanwhile.
    timeoutMs: 50_000,
    attemptTimeoutMs: 50_000,
    retries: 0,
    retryBudget: false,
    renewWith: 'refresh_token',
    onEvent: (event) => events.push(event),
    logger: { debug: line, info: line, warn: line, error: line },
    ...options,
  });
  onTestFinished(() => moov.close());
  return {
    fake,
    moov,
    clientSecret,
    events,
    lines,
    secrets: () => [{ name: 'client secret', value: clientSecret }, ...fake.issued],
    everything: () => ({
      'the MoovAuth': moov,
      'status()': moov.status(),
      events,
      'log lines': lines,
      'ready()': watched(moov.ready()),
    }),
    parts: () => ({
      'its members': { ...moov },
      'scoped()': moov.scoped('/accounts.read'),
      'clientFor()': moov.clientFor({ scopes: '/accounts.read' }),
      'req.moov': moov.client,
      'req.moov.defaults': moov.client.defaults,
      'req.moov.interceptors': moov.client.interceptors,
      'the adapter': moov.client.defaults.adapter,
    }),
  };
}

/** A promise whose failure somebody looks at. */
export function watched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** What a promise ends with, either way. */
export function outcome(promise: Promise<unknown>): Promise<{ value?: unknown; error?: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
