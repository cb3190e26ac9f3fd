import { inspect } from 'node:util';
import { expect } from 'vitest';

/** Everything that a log, a debugger or an error tracker could print of a value. */
export function shown(value: unknown): string {
  const parts = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(value),
    String(value),
  ];
  for (let error = value; error instanceof Error; error = error.cause) {
    parts.push(error.message, String(error.stack), JSON.stringify(error, Object.getOwnPropertyNames(error)));
  }
  return parts.join('\n');
}

/** Fails when a secret, in any of the forms in which it is sent, can be seen in a value. */
export function expectNoSecret(value: unknown, ...secrets: string[]): void {
  const text = shown(value);
  for (const secret of secrets) {
    const encoded = new URLSearchParams([['', secret]]).toString().slice(1);
    for (const form of [secret, encoded, Buffer.from(secret).toString('base64')]) {
      expect(text).not.toContain(form);
    }
  }
}

/** What a promise rejects with; fails when it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in settled) return settled.error;
  throw new Error(`expected a rejection, got ${inspect(settled.value)}`);
}
