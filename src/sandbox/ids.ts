import { uuid5 } from '../utils/uuid.js';

/** Random, and fixed: the same parts give the same ID in every sandbox and after every reset. */
const NAMESPACE = '6e0f5f0c-3d0b-4a39-9a53-0d1c8a1f7f5e';

/** The ID of a thing that follows from others, such as the payment method of a card (UUID v5, RFC 9562). */
export function derivedID(...parts: readonly (string | number)[]): string {
  return uuid5(JSON.stringify(parts), NAMESPACE);
}
