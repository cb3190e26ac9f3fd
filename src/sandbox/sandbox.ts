import { ignoreErrors } from '../utils/errors.js';
import type { MoovEventType } from '../webhooks/event.js';
import { Api } from './api.js';
import type { SandboxRequest } from './exchange.js';
import { type FaultRule, Faults } from './faults.js';
import { Cors } from './http/cors.js';
import { SandboxServer } from './http/server.js';
import { logLine } from './log.js';
import { type MoovSandboxOptions, resolveOptions } from './options.js';
import { Page } from './page/page.js';
import { Recorder, type SandboxStats } from './recorder.js';
import type { SandboxAccount } from './resources/account.js';
import type { SettledStatus } from './resources/transfers/settlement.js';
import type { SandboxRefund, SandboxTransfer } from './resources/transfers/transfer.js';
import type { SandboxHandler } from './responders.js';
import { checkSeed, type SandboxSeed, type Seeded } from './seed.js';
import { Seeder } from './seeder.js';
import { type SandboxWebhook, WebhookSender } from './webhooks/sender.js';

/** A local server that behaves like Moov's API, for tests. */
export interface MoovSandbox {
  /** Where it listens, such as `http://127.0.0.1:43210`. Throws an `Error` while it does not. */
  readonly url: string;
  /** The API key it accepts. */
  readonly credentials: {
    /** Its public half. */
    readonly clientId: string;
    /** Its secret half. */
    readonly clientSecret: string;
  };
  /** The options for a client: `moovAuth(scopes, sandbox.options)`. Throws an `Error` while it does not listen. */
  readonly options: {
    /** As in `credentials`. */
    readonly clientId: string;
    /** As in `credentials`. */
    readonly clientSecret: string;
    /** The first of the registered origins. */
    readonly origin: string | undefined;
    /** As `url`. */
    readonly baseURL: string;
  };
  /** What {@link sendWebhook} signs with, for a URL at which no webhook was created. */
  readonly webhookSecret: string;
  /** The origins registered with the key. Every call with a token needs one of them as its `Origin`. */
  readonly origins: readonly string[];
  /** The platform's own account, which scopes for transfers name. */
  readonly platformAccountID: string;
  /** Counters of what happened so far. Each read is a copy that does not change. */
  readonly stats: SandboxStats;
  /**
   * The requests until now, in order of arrival, the latest 10,000 at most. Each read is a new list; the `status` of an
   * entry is filled in when its response is sent.
   */
  readonly requests: readonly SandboxRequest[];
  /** All accounts, the platform's own first. Each read is a copy. */
  readonly accounts: readonly SandboxAccount[];
  /** All transfers, oldest first, with their idempotency keys. Each read is a copy. */
  readonly transfers: readonly SandboxTransfer[];
  /** All refunds, also those made by a reversal, by transfer. Each read is a copy. */
  readonly refunds: readonly SandboxRefund[];
  /** The IDs from the option `seed`. They are the same after each reset, and in every run. */
  readonly seeded: Seeded;
  /**
   * Listens on 127.0.0.1. After `close` it may listen again, with the same content.
   *
   * @param port - Default 0: any free port.
   * @returns the URL, also as `url`.
   * @throws Error if it is already listening, or the port is in use.
   */
  listen(port?: number): Promise<string>;
  /** Stops listening, closes open connections and drops delayed requests. Closing twice is not an error. */
  close(): Promise<void>;
  /** Expires every access token: API calls with it get a bare 401. Refresh tokens still work. */
  expireTokens(): void;
  /** Revokes every token, including refresh tokens. */
  revokeTokens(): void;
  /**
   * Injects a fault. Rules are tried in order, and the first that matches a request is used. A rule that was used
   * `times` times is dropped. A fault comes before everything else, also before the rate limit.
   *
   * @param rule - See {@link FaultRule}; `path` is the path without its query.
   * @throws TypeError for an invalid rule.
   * @example
   * ```ts
   * sandbox.fail({ path: '/oauth2/token', status: 503, headers: { 'retry-after': '1' }, times: 2 });
   * sandbox.fail({ method: 'POST', path: /\/transfers$/, drop: 'after' }); // the response to a transfer is lost
   * ```
   */
  fail(rule: FaultRule): void;
  /** Drops all remaining faults. */
  clearFaults(): void;
  /**
   * Adds an endpoint of your own, behind the checks of token, `Origin`, scope and platform account that Moov's
   * endpoints are behind. It comes before an endpoint of the sandbox, and before an earlier one of yours. Its scope is
   * that of the endpoint it replaces, or follows Moov's convention: `/accounts/{accountID}/branding.write` for changes
   * below `/accounts/{accountID}/branding`. Where Moov has no such scope, any token will do.
   *
   * @param method - The request's method, in any case.
   * @param path - The path without its query; a name in braces, of letters, digits and `_`, stands for any segment.
   * @param response - A body, sent with status 200, or a function that makes the response.
   * @throws TypeError for an invalid endpoint.
   * @example
   * ```ts
   * sandbox.respond('GET', '/accounts/{accountID}/branding', { colors: { dark: { accent: '#111' } } });
   * sandbox.respond('POST', '/accounts/{accountID}/invoices', ({ params, body }) => ({ status: 201, body: { ...params, body } }));
   * ```
   */
  respond(method: string, path: string, response: SandboxHandler | object | string): void;
  /**
   * Moves a transfer to its next status, because nothing moves by a timer: a payment by card or bank account is pending
   * until it is settled, and counts in the wallet from then on.
   *
   * @param transferID - The ID of an existing transfer.
   * @param status - `completed`; `failed`, as when a bank returns the money; or `reversed`, of a completed transfer
   * over ACH whose money came back later. Default: `completed`, but `failed` for an ACH transfer of 55.01, which Moov
   * returns as R01 in test mode. A payment with a refund can't become `failed`.
   * @returns the changed transfer.
   * @throws Error for a transfer that does not exist, or cannot reach that status.
   * @see {@link https://docs.moov.io/guides/money-movement/ach/returns/ | Moov: ACH returns}
   */
  settle(transferID: string, status?: SettledStatus): SandboxTransfer;
  /**
   * Sends an event to the application that is tested, signed as Moov signs it: with the secret of the webhook that was
   * created for the URL, or else with {@link webhookSecret}. The sandbox need not listen for that. While there is no
   * 2xx within 5 s, it sends the same headers and body again, 5 times in all, with short waits. A reset or `close` ends
   * that.
   *
   * @param url - Where the application serves its webhook.
   * @param type - The type of the event, such as `transfer.updated`.
   * @param data - The event's `data`, which becomes JSON.
   * @returns what was sent and what was answered. It does not reject when the application refuses it.
   * @throws TypeError for a URL that is not one of HTTP, a type that is no string, and data that can't be JSON.
   * @example
   * ```ts
   * await sandbox.sendWebhook(`${url}/webhooks/moov`, 'transfer.updated', { accountID, transferID, status: 'completed' });
   * ```
   */
  sendWebhook(url: string, type: MoovEventType, data: unknown): Promise<SandboxWebhook>;
  /**
   * Adds accounts with capabilities, bank accounts, cards and money to the existing ones.
   *
   * @param seed - See {@link SandboxSeed}.
   * @returns the IDs of the added resources, and those of the platform's own account.
   * @throws TypeError for an invalid seed.
   */
  seed(seed: SandboxSeed): Seeded;
  /**
   * Resets the sandbox for the next test: removes faults, requests, stats, your own endpoints and everything that was
   * created, and applies the option `seed` again, with the same IDs. Tokens stay valid, so that the next test does not
   * begin with a 401; to end them, call `revokeTokens`.
   */
  reset(): void;
}

/**
 * Creates a local server that behaves like Moov's API. It serves what a payment application needs, from accounts and
 * their bank accounts and cards to transfers and refunds, and is as strict as Moov: origins, scopes and the account
 * they are bound to, bare 401s and 403s, idempotency keys. What else Moov has is answered with 501. Pages of the
 * registered origins may call it from a browser (CORS). Everything is in memory; nothing is shared between two
 * sandboxes. It does not listen before `listen` is called.
 *
 * @param options - See {@link MoovSandboxOptions}; all have defaults.
 * @returns the sandbox. It holds the process open from `listen` to `close`.
 * @throws TypeError for an unknown option or one that can't work.
 * @example
 * ```ts
 * const sandbox = createMoovSandbox();
 * await sandbox.listen();
 * const moov = moovAuth(['/ping.read'], sandbox.options);
 * await sandbox.close();
 * ```
 * @see {@link https://docs.moov.io/api/authentication/access-tokens/ | Moov: access tokens}
 */
export function createMoovSandbox(options: MoovSandboxOptions = {}): MoovSandbox {
  const settings = resolveOptions(options);
  const { clientId, clientSecret, origins, platformAccountID, log } = settings;
  const recorder = new Recorder();
  const faults = new Faults();
  const api = new Api(settings, recorder);
  const seeder = new Seeder(platformAccountID);
  let seeded = seeder.plant(settings.seed, api.resources);
  const webhooks = new WebhookSender(settings.webhookSecret, (url) => api.resources.webhooks.signerOf(url));
  const reset = () => {
    webhooks.stop();
    faults.clear();
    recorder.reset();
    api.reset();
    seeder.reset();
    seeded = seeder.plant(settings.seed, api.resources);
  };
  const page = new Page({ recorder, faults, api, reset });
  const server = new SandboxServer({
    handle: (call) => api.handle(call),
    recorder,
    faults,
    cors: new Cors(settings),
    page,
  });
  if (log !== false) {
    recorder.subscribe({
      changed: (exchange) => {
        if (exchange.isOver) ignoreErrors(() => log(logLine(exchange, api.accountNameIn(exchange.pathname))));
      },
    });
  }
  return {
    credentials: Object.freeze({ clientId, clientSecret }),
    get options() {
      return { clientId, clientSecret, origin: origins[0], baseURL: server.url };
    },
    webhookSecret: settings.webhookSecret,
    origins,
    platformAccountID,
    get url() {
      return server.url;
    },
    get stats() {
      return recorder.stats;
    },
    get requests() {
      return recorder.requests;
    },
    get accounts() {
      return structuredClone(api.resources.accounts.all);
    },
    get transfers() {
      return structuredClone(api.resources.transfers.all);
    },
    get refunds() {
      return structuredClone(api.resources.transfers.refunds);
    },
    get seeded() {
      return seeded;
    },
    listen: (port = 0) => server.listen(port),
    close() {
      webhooks.stop();
      return server.close();
    },
    expireTokens: () => api.tokens.expireAccessTokens(),
    revokeTokens: () => api.tokens.revokeAll(),
    fail: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    respond: (method, path, response) => api.responders.add(method, path, response),
    sendWebhook: (url, type, data) => webhooks.send(url, type, data),
    settle: (transferID, status) => structuredClone(api.resources.transfers.settle(transferID, status)),
    seed: (seed) => seeder.plant(checkSeed(seed), api.resources),
    reset,
  };
}
