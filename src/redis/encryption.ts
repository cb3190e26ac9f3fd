import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { StoredToken } from '../token-store.js';
import { storedToken } from '../tokens/store-schemas.js';

const CIPHER = 'aes-256-gcm';
/** NIST SP 800-38D: 96 bits, random for each value. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a token for one Redis key. The value cannot be decrypted under the name of another Redis key.
 *
 * @returns nonce, ciphertext and tag in base64.
 */
export function encrypt(token: StoredToken, key: KeyObject, name: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
  const text = cipher.update(JSON.stringify(token), 'utf8');
  return Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** @returns the token, or `undefined` if no key decrypts the value, or the content is not a token. */
export function decrypt(value: string, keys: readonly KeyObject[], name: string): StoredToken | undefined {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
  for (const key of keys) {
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      const token = storedToken.safeParse(
        JSON.parse(Buffer.concat([text, decipher.final()]).toString('utf8')),
      );
      return token.data;
    } catch {
      // Another key may have encrypted it.
    }
  }
  return undefined;
}
