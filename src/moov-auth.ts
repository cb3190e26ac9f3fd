import { AsyncResource } from 'node:async_hooks';
import { createMoovClients } from './client/moov-client.js';
import type { MoovAuthOptions } from './config/options.js';
import { readAuthOptions } from './config/resolve.js';
import { closedError, MoovAuthError, MoovConfigError, timeoutError } from './errors.js';
import { emitter } from './events.js';
import { type BrowserTokenRouterOptions, createBrowserTokenRouter } from './express/browser-token-router.js';
import { type MoovTarget, startUpScope, Targets } from './express/request-handler.js';
import { createRevokeRouter, type RevokeRouterOptions } from './express/revoke-router.js';
import { moovFetch } from './fetch/moov-fetch.js';
import { makeEndpoint } from './moov-oauth-client.js';
import { requestRevocation } from './oauth/token-request.js';
import { assertScopes, type MoovScope, readScopes } from './scopes/scopes.js';
import type { StoredToken } from './token-store.js';
import { MoovTokenProvider } from './tokens/moov-token-provider.js';
import { ResilientTokenStore } from './tokens/resilient-token-store.js';
import { Revocations } from './tokens/revocations.js';
import { revokeAll } from './tokens/revoke-all.js';
import { SharedTokenProvider } from './tokens/shared-token-provider.js';
import { storeKey } from './tokens/store-key.js';
import { fromMoov } from './tokens/token.js';
import { TokenPool } from './tokens/token-pool.js';
import type { TokenProvider } from './tokens/token-provider.js';
import { TokenSource } from './tokens/token-source.js';
import { createTransport } from './transports/create-transport.js';
import type { MoovAuth, MoovAuthStatus } from './types.js';
import { describeType } from './utils/describe-type.js';
import { Timers, withTimeout } from './utils/timers.js';

const REVOKE_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** How long `close()` waits for a renewal in flight to let go of its lock, for which others may be waiting. */
const LET_GO_TIMEOUT_MS = 1_000;

/** @throws {@link MoovConfigError}, as a token that was to be revoked would live on. */
function readCloseOptions(options: { revoke?: boolean }): boolean {
  const { revoke = false, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new MoovConfigError(`close: unknown option "${unknown}". It is revoke.`);
  if (typeof revoke === 'boolean') return revoke;
  throw new MoovConfigError(`close: expected revoke to be true or false, got ${describeType(revoke)}.`);
}

/**
 * Express middleware that gives every request `req.moov`, an Axios instance authorised at Moov, and begins to
 * obtain the token for it at once (RFC 6749 section 4.4).
 *
 * @param scopes - What the token may do: a list, or one string in which spaces divide them.
 * @param options - Each option falls back to its `MOOV_*` variable; see {@link MoovAuthOptions}.
 * @returns the middleware, with the members of {@link MoovAuth}. `close()` ends it.
 * @throws {@link MoovConfigError} naming the option or scope, what was expected and how to set it.
 * @see {@link https://docs.moov.io/api/authentication/access-tokens/ | Moov: access tokens}
 */
export function moovAuth(scopes: MoovScope | readonly MoovScope[], options: MoovAuthOptions = {}): MoovAuth {
  assertScopes(scopes);
  const settings = readAuthOptions(options);
  const defaults = readScopes(scopes, settings.platformAccountID);
  const emit = emitter(settings.logger, settings.onEvent);
  const connected = createTransport(settings);
  const endpoint = makeEndpoint(settings, connected.send);
  const minter = new MoovTokenProvider(settings, endpoint, emit);
  const timers = new Timers();
  const outside = new AsyncResource('MoovAuth');
  const giveBack = (token: StoredToken) => revocations.add(token);
  const sharing =
    settings.store &&
    new SharedTokenProvider({
      store: new ResilientTokenStore(settings.store, emit, timers),
      keyOf: (scope) => storeKey(settings, scope),
      revoke: (token) => {
        giveBack(token);
        revocations.flush(REVOKE_TIMEOUT_MS).catch(() => undefined);
      },
      emit,
      timers,
    });

  function obtaining(scope: string): TokenProvider {
    const mint = minter.forScopes(scope);
    return sharing?.forScopes(scope, mint) ?? (async (want) => fromMoov(await mint(want)));
  }

  const pool = new TokenPool(
    (scope, keepWarm) =>
      new TokenSource({
        obtain: obtaining(scope),
        emit,
        revoke: giveBack,
        outside,
        timers,
        autoRenew: keepWarm,
      }),
    startUpScope(defaults, settings),
    settings.maxTokens,
  );
  const exchange = { credentials: settings.credentials, headers: {}, retries: 1, signal: undefined, timers };
  const revocations = new Revocations(
    (token, tokenTypeHint, timeoutMs) =>
      requestRevocation(endpoint, { token, tokenTypeHint }, { ...exchange, timeoutMs }),
    timers,
  );
  const targets = new Targets(settings, defaults, pool, createMoovClients(settings, emit, connected.send));
  const open = new AbortController();
  let closing: Promise<void> | undefined;
  const unwatch = sharing?.watch((key) => {
    for (const source of pool.all()) if (source.held?.shared?.key === key) source.drop();
  });

  /** Revocations that Moov has not confirmed, and those for which the store could not be asked. */
  function countPending(): number {
    return revocations.count + (sharing?.pendingRevocations ?? 0);
  }

  async function revokeHeld(timeoutMs: number): Promise<void> {
    try {
      const tokens = await revokeAll(pool, sharing, revocations, timers, timeoutMs);
      if (tokens > 0) emit({ type: 'token.revoked', tokens, pendingRevocations: countPending() });
    } catch (error) {
      const code = error instanceof MoovAuthError ? error.code : 'ERR_MOOV_NETWORK';
      const pendingRevocations = countPending();
      emit({ type: 'token.revokeFailed', code, message: String(error), pendingRevocations });
      throw error;
    }
  }

  function status(): MoovAuthStatus {
    const held = closing ? [] : pool.all().filter((source) => source.held?.isExpired === false);
    const { startUp: pinned } = pool;
    const token = pinned && held.includes(pinned) ? pinned.held : undefined;
    const error = pinned?.failure?.error;
    return {
      state: stateOf(),
      ...(token ? { expiresAt: token.expiresAt } : {}),
      ...(error && pinned?.failure
        ? { lastError: { code: error.code, message: error.message, at: pinned.failure.at } }
        : {}),
      tokens: held.length,
      pendingRevocations: countPending(),
    };

    function stateOf(): MoovAuthStatus['state'] {
      if (closing) return 'closed';
      if (pinned === undefined) return 'ready';
      if (token) return error ? 'degraded' : 'ready';
      return error ? 'failed' : 'starting';
    }
  }

  async function close(revokeToo: boolean): Promise<void> {
    // First, so that a renewal in flight is let finish and its token is revoked too.
    const revoked = revokeToo ? revokeHeld(CLOSE_TIMEOUT_MS) : undefined;
    const ended = pool.close();
    open.abort(closedError());
    // It has been told, and a server on its way down has no other use for the error.
    await revoked?.catch(() => undefined);
    const late = () => timeoutError('Still in flight');
    await withTimeout(ended, { ms: LET_GO_TIMEOUT_MS, timers, timedOut: late }).catch(() => undefined);
    unwatch?.();
    connected.release();
  }

  const handler = targets.handler(defaults);
  const client = targets.default;
  pool.startUp?.start();
  return Object.freeze(
    Object.assign(handler, {
      client,
      ready: async () => pool.startUp?.ready(),
      scoped: (other: MoovScope | readonly MoovScope[]) => targets.handler(targets.read(other)),
      clientFor: (target?: MoovTarget) => targets.client(target),
      fetch: moovFetch(client),
      fetchFor: (target?: MoovTarget) => moovFetch(targets.client(target)),
      accessToken: async (target?: MoovTarget) => (await targets.source(target).get()).accessToken(),
      renew: async (target?: MoovTarget) => {
        await targets.source(target).renew();
      },
      revoke: () => revokeHeld(REVOKE_TIMEOUT_MS),
      revokeRouter: (routerOptions: RevokeRouterOptions) =>
        createRevokeRouter(
          {
            revokeHeld: () => revokeHeld(REVOKE_TIMEOUT_MS),
            revokeToken: (token, tokenTypeHint) =>
              timers.hold(
                requestRevocation(
                  endpoint,
                  { token, tokenTypeHint },
                  { ...exchange, timeoutMs: REVOKE_TIMEOUT_MS },
                ),
              ),
          },
          routerOptions,
        ),
      browserTokenRouter: (routerOptions: BrowserTokenRouterOptions) =>
        createBrowserTokenRouter(
          {
            read: (other) => targets.read(other, 'browserTokenRouter'),
            fill: (req, other) => targets.scopesOf(req, other),
            mint: (scope) => {
              const token = minter.obtain(scope, { retries: 2, signal: open.signal, timers });
              const late = () => timeoutError('No token within timeoutMs');
              return withTimeout(token, { ms: settings.timeoutMs, timers, timedOut: late });
            },
          },
          routerOptions,
        ),
      status,
      close: (closeOptions: { revoke?: boolean } = {}) => {
        const revokeToo = readCloseOptions(closeOptions);
        closing ??= close(revokeToo);
        return closing;
      },
    }),
  );
}
