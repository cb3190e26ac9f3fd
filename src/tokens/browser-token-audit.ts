import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Emit } from '../events.js';
import type { AuthToken } from '../oauth/token-request.js';
import { describeScopes } from '../scopes/scopes.js';

/** How many tokens are remembered, for the event of their revocation. */
const MOST_REMEMBERED = 10_000;

interface Issued {
  readonly scope: string;
  readonly expiresAt: Date;
}

/** Reports which tokens clients were given, and which of them were revoked. */
export class BrowserTokenAudit {
  readonly #emit: Emit;
  /** By a hash, as a token is not kept longer than it is needed. */
  readonly #issued = new LRUCache<string, Issued>({ max: MOST_REMEMBERED });

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** @param asked - The scopes that were requested. */
  issued({ accessToken, scope, expiresAt }: AuthToken, asked: string): void {
    const issued = { scope: scope ?? asked, expiresAt };
    this.#issued.set(hashOf(accessToken), issued);
    this.#emit({ type: 'browserToken.issued', ...describeScopes(issued.scope), expiresAt });
  }

  /** @param token - What a client has sent, which may be a token of another process. */
  revoked(token: string): void {
    const hash = hashOf(token);
    const issued = this.#issued.get(hash);
    this.#issued.delete(hash);
    this.#emit({
      type: 'browserToken.revoked',
      ...(issued && { ...describeScopes(issued.scope), expiresAt: issued.expiresAt }),
    });
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
