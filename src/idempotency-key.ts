import { MoovConfigError } from './errors.js';
import { uuid5 } from './utils/uuid.js';
import { describeType } from './utils/value-type.js';

/** Must never change: with another namespace, a repeated payment would have another key and be made twice. */
const NAMESPACE = '6f1d3f0e-5c0b-4b2e-9a43-7d1f8f0c2b6a';

/**
 * Derives a value for `X-Idempotency-Key` from whatever identifies a payment, such as
 * `idempotencyKey('order', order.id, 'capture')`. The same parts always produce the same key, in every process.
 *
 * @param parts - Strings (not empty) and finite numbers; at least one. `1` and `'1'` give different keys.
 * @returns a UUID, version 5 (RFC 9562 section 5.5), of `JSON.stringify(parts)`.
 * @throws {@link MoovConfigError} for no parts, or one that is empty or of another type.
 * @see {@link https://docs.moov.io/api/idempotency/ | Moov: idempotency}
 */
export function idempotencyKey(...parts: (string | number)[]): string {
  const fault = parts.findIndex(
    (part: unknown) => part === '' || (typeof part !== 'string' && !Number.isFinite(part)),
  );
  if (parts.length === 0 || fault !== -1) {
    throw new MoovConfigError(
      `idempotencyKey: expected one or more non-empty strings and finite numbers; ${
        parts.length === 0
          ? 'got none'
          : `part ${fault + 1} is ${parts[fault] === undefined ? 'undefined' : describeType(parts[fault])}`
      }.`,
    );
  }
  return uuid5(JSON.stringify(parts), NAMESPACE);
}
