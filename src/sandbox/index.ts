/**
 * A look-alike of Moov's API on a local port, for the tests of applications.
 *
 * @module express-moov-auth/sandbox
 */

import type { MoovEventType } from '../webhooks/event.js';
import type { SandboxAccount } from './accounts.js';
import { Api } from './api.js';
import { Cors } from './cors.js';
import { type FaultRule, Faults } from './faults.js';
import { type MoovSandboxOptions, resolveOptions } from './options.js';
import { Recorder, type SandboxRequest, type SandboxStats } from './recorder.js';
import { type SandboxWebhook, WebhookSender } from './send-webhook.js';
import { SandboxServer } from './server.js';
import type { SandboxRefund, SandboxTransfer } from './transfers.js';

export type { SandboxAccount } from './accounts.js';
export type { AnswerFault, DelayFault, DropFault, FaultRule, TruncateFault } from './faults.js';
export type { MoovSandboxOptions } from './options.js';
export type { SandboxRequest, SandboxStats } from './recorder.js';
export type { SandboxWebhook } from './send-webhook.js';
export type { SandboxAmount, SandboxRefund, SandboxTransfer, SandboxTransferParty } from './transfers.js';

/** A look-alike of Moov's API on a local port, for tests. */
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
  /** What points a client at it: `moovAuth(scopes, sandbox.options)`. Throws an `Error` while it does not listen. */
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
  /** The signing secret of the webhooks that {@link sendWebhook} sends. */
  readonly webhookSecret: string;
  /** The origins registered with the key; one of them is to be the `Origin` of every call with a token. */
  readonly origins: readonly string[];
  /** The platform's own account, which the scopes of transfers name. */
  readonly platformAccountID: string;
  /** What happened until now, counted. Each read is a copy that does not change. */
  readonly stats: SandboxStats;
  /**
   * Every request until now, in order of arrival. Each read is a new list; the `status` of an entry is filled in when
   * its response is sent.
   */
  readonly requests: readonly SandboxRequest[];
  /** The accounts that exist, the platform's own first. Each read is a copy. */
  readonly accounts: readonly SandboxAccount[];
  /** The transfers that exist, oldest first, with the idempotency key of each. Each read is a copy. */
  readonly transfers: readonly SandboxTransfer[];
  /** The refunds that exist, also those that a reversal made, by transfer. Each read is a copy. */
  readonly refunds: readonly SandboxRefund[];
  /**
   * Listens on 127.0.0.1. After `close` it may listen again, and still knows all it knew.
   *
   * @param port - Default 0: one that is free.
   * @returns the URL, also as `url`.
   * @throws Error when it is listening already or the port is taken.
   */
  listen(port?: number): Promise<string>;
  /** Stops listening, cuts open connections and forgets delayed requests. Closing twice is no error. */
  close(): Promise<void>;
  /** Every access token made so far is expired: API calls with it get a bare 401. Refresh tokens still work. */
  expireTokens(): void;
  /** Every token made so far is revoked, refresh tokens too. */
  revokeTokens(): void;
  /**
   * Injects a fault. Rules are used in the order given; the first that fits a request is used for it, and one that
   * was used `times` times is gone. A fault comes before everything else, also before the rate limit.
   *
   * @param rule - See {@link FaultRule}; `path` is the path without its query.
   * @throws TypeError for a rule that can't be followed.
   * @example
   * ```ts
   * sandbox.fail({ path: '/oauth2/token', status: 503, headers: { 'retry-after': '1' }, times: 2 });
   * sandbox.fail({ method: 'POST', path: /\/transfers$/, drop: 'after' }); // the transfer is made, the answer lost
   * ```
   */
  fail(rule: FaultRule): void;
  /**
   * Sends an event to the application that is tested, signed as Moov signs it. It need not listen for that. While there is
   * no 2xx within 5 s, it sends the same headers and body again, 5 times in all, with short waits.
   *
   * @param url - Where the application serves its webhook.
   * @param type - The type of the event, such as `transfer.updated`.
   * @param data - The event's `data`, which becomes JSON.
   * @returns what was sent and what was answered. It does not reject when the application refuses it, and ends early
   * when the sandbox is closed.
   * @throws TypeError for a URL that is not one of HTTP, a type that is no string, and data that can't be JSON.
   * @example
   * ```ts
   * await sandbox.sendWebhook(`${url}/webhooks/moov`, 'transfer.updated', { accountID, transferID, status: 'completed' });
   * ```
   */
  sendWebhook(url: string, type: MoovEventType, data: unknown): Promise<SandboxWebhook>;
}

/**
 * Makes a look-alike of Moov's API: the OAuth endpoints, ping, accounts, transfers, refunds and reversals, as strict
 * as Moov where callers trip: origins, scopes and the account they are bound to, bare 401s and 403s, idempotency keys.
 * Pages of the registered origins may call it from a browser (CORS).
 * Everything is in memory; nothing is shared between two sandboxes. It does not listen before `listen` is called.
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
  const recorder = new Recorder();
  const faults = new Faults();
  const api = new Api(settings, recorder);
  const server = new SandboxServer((call) => api.handle(call), recorder, faults, new Cors(settings));
  const webhooks = new WebhookSender(settings.webhookSecret);
  return {
    webhookSecret: settings.webhookSecret,
    credentials: Object.freeze({ clientId: settings.clientId, clientSecret: settings.clientSecret }),
    get options() {
      const { clientId, clientSecret, origins } = settings;
      return { clientId, clientSecret, origin: origins[0], baseURL: server.url };
    },
    origins: settings.origins,
    platformAccountID: settings.platformAccountID,
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
      return structuredClone(api.accounts.all);
    },
    get transfers() {
      return structuredClone(api.transfers.transfers);
    },
    get refunds() {
      return structuredClone(api.transfers.refunds);
    },
    listen: (port = 0) => server.listen(port),
    close() {
      webhooks.stop();
      return server.close();
    },
    expireTokens: () => api.tokens.expireAccessTokens(),
    revokeTokens: () => api.tokens.revokeAll(),
    fail: (rule) => faults.add(rule),
    sendWebhook: (url, type, data) => webhooks.send(url, type, data),
  };
}
