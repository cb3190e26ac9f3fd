import type { AxiosInstance } from 'axios';
import { z } from 'zod';
import { createMoovClients } from './client/moov-client.js';
import type { MoovAuthOptions } from './config/options.js';
import { parseOptions, wording } from './config/parse-options.js';
import { readAuthOptions } from './config/resolve.js';
import { emitter } from './events.js';
import { type BrowserTokenRouterOptions, createBrowserTokenRouter } from './express/browser-token-router.js';
import { createRevokeRouter, type RevokeRouterOptions } from './express/revoke-router.js';
import { Targets } from './express/targets.js';
import { moovFetch } from './fetch/moov-fetch.js';
import { logTo } from './logging/logger.js';
import { OAuthEndpoint } from './oauth/endpoint.js';
import { RateLimits } from './rate-limit/rate-limits.js';
import { assertScopes, type MoovScope, readScopes } from './scopes/scopes.js';
import { type MoovClientTarget, type MoovTarget, startUpScope } from './scopes/target.js';
import { BrowserTokenAudit } from './tokens/browser-token-audit.js';
import { TokenManager } from './tokens/token-manager.js';
import { createTransport } from './transports/create-transport.js';
import type { MoovAuth } from './types.js';

const closeOptions = z.object({
  revoke: z.boolean().default(false).register(wording, { expected: 'true or false' }),
});

/**
 * Express middleware that gives every request `req.moov`, an Axios instance that is authenticated with Moov, and
 * requests the token for it at once (RFC 6749 section 4.4).
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
  const emit = emitter(logTo(settings.logger), settings.onEvent);
  if (options.attemptTimeoutMs !== undefined && settings.attemptTimeoutMs > settings.timeoutMs) {
    const message = `attemptTimeoutMs (${settings.attemptTimeoutMs}) has no effect above timeoutMs (${settings.timeoutMs}), the time for a whole call.`;
    emit({ type: 'config.warning', message });
  }
  const transport = createTransport(settings);
  const limits = settings.rateLimit === false ? undefined : new RateLimits(settings.rateLimit, emit);
  const endpoint = new OAuthEndpoint(settings, limits?.counting(transport.send) ?? transport.send);
  const manager = new TokenManager(settings, endpoint, emit, startUpScope(defaults, settings));
  const audit = new BrowserTokenAudit(emit);
  const clients = createMoovClients(settings, emit, transport.send, limits);
  const targets = new Targets(settings, defaults, manager.pool, clients, emit);
  const client = targets.default;

  const fetchOver = (instance: AxiosInstance) => moovFetch(instance, clients.bytes(instance));

  async function close(revoke: boolean): Promise<void> {
    await Promise.all([manager.close(revoke), clients.close()]);
    transport.release();
  }

  manager.start();
  return Object.freeze(
    Object.assign(targets.handler(defaults), {
      client,
      ready: async () => manager.pool.startUp?.ready(),
      scoped: (other: MoovScope | readonly MoovScope[]) => targets.handler(targets.read(other)),
      clientFor: (target?: MoovClientTarget) => targets.client(target),
      fetch: fetchOver(client),
      fetchFor: (target?: MoovClientTarget) => fetchOver(targets.client(target)),
      accessToken: async (target?: MoovTarget) => (await targets.source(target).get()).accessToken(),
      renew: async (target?: MoovTarget) => {
        await targets.source(target).renew();
      },
      revoke: () => manager.revoke(),
      revokeRouter: (routerOptions: RevokeRouterOptions) =>
        createRevokeRouter(
          {
            revokeHeld: () => manager.revoke(),
            revokeToken: async (token, tokenTypeHint) => {
              await manager.revokeToken(token, tokenTypeHint);
              audit.revoked(token);
            },
          },
          routerOptions,
        ),
      browserTokenRouter: (routerOptions: BrowserTokenRouterOptions) =>
        createBrowserTokenRouter(
          {
            read: (other) => targets.read(other, 'browserTokenRouter'),
            fill: (req, other) => targets.scopesOf(req, other),
            request: (scope, signal) => manager.requestBrowserToken(scope, signal),
            issued: (token, scope) => audit.issued(token, scope),
            discard: (token) => manager.discard(token),
          },
          routerOptions,
        ),
      status: () => {
        const rateLimit = limits?.status;
        return { ...manager.status(), ...(rateLimit === undefined ? {} : { rateLimit }) };
      },
      close: (given: { revoke?: boolean } = {}) => {
        // A misspelt option is refused, as a token that was to be revoked would live on.
        const { revoke } = parseOptions({ name: 'close' }, closeOptions, given);
        return close(revoke);
      },
    }),
  );
}
