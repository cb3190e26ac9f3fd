import { MoovConfigError } from '../errors.js';
import { isObject } from '../utils/value-type.js';

/**
 * Refuses middleware that is mounted without being called, which then gets a request as its options.
 *
 * @throws {@link MoovConfigError} saying how to mount it.
 */
export function assertCalled(name: string, options: unknown): void {
  if (isObject(options) && 'headers' in options) {
    throw new MoovConfigError(
      `${name}: got a request where options were expected. Call it: app.use(${name}()).`,
    );
  }
}
