import { oneLine } from '../utils/one-line.js';
import type { Exchange } from './exchange.js';
import { credentialOf, maskedPath } from './masks.js';

/** The longest line, as a path may be of any length. */
const LONGEST_LINE = 500;

/**
 * One line about a request: time, method, path, status, the account in its path, why it was refused, and the end of its
 * token.
 *
 * @param accountName - The name of the account in the path, if there is one.
 */
export function logLine({ request, note }: Exchange, accountName: string | undefined): string {
  const { at, method, path, headers, status } = request;
  const words = [
    at.toTimeString().slice(0, 8),
    method,
    maskedPath(path),
    status === 0 ? 'no response' : String(status),
  ].join(' ');
  const details = [
    accountName === undefined ? undefined : `account "${accountName}"`,
    note,
    credentialOf(headers),
  ].filter((detail) => detail !== undefined);
  return oneLine([words, ...details].join(', '), LONGEST_LINE);
}
