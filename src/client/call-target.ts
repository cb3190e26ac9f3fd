import type { TokenSupplier } from '../tokens/token-supplier.js';

/** What calls of one instance have in common. */
export interface CallTarget {
  readonly tokens: TokenSupplier;
  /** The account that the token is for. */
  readonly accountID: string | undefined;
  /** Whether its calls let others go first while a rate limit holds them. */
  readonly isBackground: boolean;
}

/** The account that a path begins with, below the path of the base URL; empty without one. */
export function accountIn(path: string): string {
  const at = path.indexOf('/accounts/');
  if (at < 0) return '';
  const id = path.slice(at + 10, at + 46);
  return id.length === 36 && !id.includes('/') ? id : '';
}
