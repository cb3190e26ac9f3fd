import { refusalMeanings } from '../client/refusal.js';
import { readAuthOptions, type Settings } from '../config/resolve.js';
import { OAuthEndpoint } from '../oauth/endpoint.js';
import { requestRevocation } from '../oauth/revocation-request.js';
import { findClaimMismatches } from '../oauth/token-claims.js';
import { type AuthToken, requestToken } from '../oauth/token-request.js';
import { fillAccount, missingScopes, readScopes } from '../scopes/scopes.js';
import { createTransport } from '../transports/create-transport.js';
import type { Transport } from '../transports/transport.js';
import { toError } from '../utils/errors.js';
import { TimeLimit } from '../utils/time-limit.js';
import { Timers } from '../utils/timers.js';
import { type CommandIo, UsageError } from './command.js';
import { clockStep, networkStep } from './network-steps.js';
import { isPage, type Probed, probe } from './probe.js';
import { failed, passed, type Step } from './step.js';

/** The whole time is 10 s: what is left after this is for the revocation of the token. */
const STEPS_LIMIT_MS = 8_000;
const REVOCATION_LIMIT_MS = 2_000;

/** What {@link check} works with. */
export interface CheckOptions extends Pick<CommandIo, 'env' | 'signal'> {
  readonly scopes: readonly string[];
  readonly accountID: string | undefined;
}

/** What the steps have in common. */
interface Context extends CheckOptions {
  readonly settings: Settings;
  readonly send: Transport;
  /** Ends each step. */
  readonly limit: AbortSignal;
}

/**
 * Looks at one thing after the other, from the settings to a call, and stops where the next makes no sense. It makes one
 * token request, which it does not repeat, and revokes the token in the end, also when its caller stops early.
 *
 * @throws {@link UsageError} for a scope that needs an account, where none is given.
 */
export async function* check(options: CheckOptions): AsyncGenerator<Step> {
  let settings: Settings;
  try {
    settings = readAuthOptions({}, options.env);
  } catch (error) {
    return yield failed('settings', toError(error).message);
  }
  const { baseURL, origin, apiVersion, platformAccountID } = settings;
  const account = platformAccountID === undefined ? '' : `, platform account ${platformAccountID}`;
  yield passed('settings', `${baseURL}, origin ${origin ?? 'not set'}, version ${apiVersion}${account}`);

  const transport = createTransport(settings);
  const limit = new TimeLimit(STEPS_LIMIT_MS, new Timers(true), options.signal);
  try {
    yield* checkMoov({ ...options, settings, send: transport.send, limit: limit.signal });
  } finally {
    limit.clear();
    transport.release();
  }
}

async function* checkMoov(context: Context): AsyncGenerator<Step> {
  const { settings, send, limit } = context;
  const scope = scopeOf(context);
  const unauthenticated = await probe(settings, send, { path: '/ping', signal: limit });
  const network = networkStep(settings, unauthenticated);
  yield network;
  if (!network.ok) return;
  yield clockStep(unauthenticated.response?.headers.date);

  const endpoint = new OAuthEndpoint(settings, send);
  let token: AuthToken;
  try {
    token = await requestOnce(endpoint, context, scope);
  } catch (error) {
    return yield failed('token', limit.aborted ? unanswered(context.signal) : toError(error).message);
  }
  let revocation: Step | undefined;
  try {
    yield passed('token', `issued, valid for ${Math.round(token.lifetimeMs / 1_000)} s`);
    yield scopesStep(token, scope);
    yield claimsStep(token, settings);
    yield callStep('call', '/ping', await probeWith(context, token, '/ping'));
    const path = accountPath(context, token.scope ?? scope);
    if (path !== undefined) yield callStep('account', path, await probeWith(context, token, path));
  } finally {
    revocation = await revoke(endpoint, context, token);
  }
  yield revocation;
}

/** What is asked for: also what the calls of this command need. */
function scopeOf({ scopes, accountID, settings }: Context): string {
  const wanted = ['/ping.read', ...scopes];
  if (accountID !== undefined && !scopes.some((scope) => scope.includes('{accountID}'))) {
    wanted.push('/accounts/{accountID}/wallets.read');
  }
  const set = readScopes(wanted, settings.platformAccountID);
  if (!set.needsAccount) return set.text;
  if (accountID === undefined) throw new UsageError('A scope has {accountID} in it: give --account too.');
  return fillAccount(set, accountID);
}

function requestOnce(
  endpoint: OAuthEndpoint,
  { settings, limit }: Context,
  scope: string,
): Promise<AuthToken> {
  return requestToken(
    endpoint,
    { grantType: 'client_credentials', scope },
    {
      credentials: settings.credentials,
      headers: {},
      timeoutMs: STEPS_LIMIT_MS,
      retries: 0,
      signal: limit,
      timers: new Timers(true),
    },
  );
}

function unanswered(interrupted: AbortSignal): string {
  const reason = interrupted.aborted ? 'Interrupted' : 'No response in time';
  return `${reason}. A token that Moov may have issued stays valid until it expires.`;
}

function scopesStep({ scope: granted }: AuthToken, asked: string): Step {
  const missing = granted === undefined ? [] : missingScopes(asked, granted);
  if (missing.length === 0) return passed('scopes', `granted: ${granted ?? asked}`);
  return failed(
    'scopes',
    `Not granted: ${missing.join(' ')}. Check what the API key may do, and whose account each scope names.`,
  );
}

function claimsStep({ accessToken }: AuthToken, settings: Settings): Step {
  const mismatches = findClaimMismatches(accessToken, settings);
  if (mismatches.length > 0) return failed('claims', mismatches.join(' '));
  return passed('claims', 'nothing in the token contradicts the origin and the account');
}

function probeWith(
  { settings, send, limit }: Context,
  { accessToken }: AuthToken,
  path: string,
): Promise<Probed> {
  return probe(settings, send, { path, accessToken, signal: limit });
}

function callStep(step: 'call' | 'account', path: string, { response, failure }: Probed): Step {
  if (failure !== undefined) return failed(step, `GET ${path}: ${failure}`);
  const { status } = response;
  if (isPage(response)) {
    return failed(step, `GET ${path}: the response is an HTML page (${status}), not Moov's.`);
  }
  if (status === 200) return passed(step, `GET ${path} is allowed`);
  const meaning = status === 404 ? 'there is no such account' : (refusalMeanings[status] ?? 'unexpected');
  return failed(step, `GET ${path} was answered with ${status}: ${meaning}.`);
}

/** What a scope of the account allows to read: a list, but for the profile, which is the account itself. */
function accountPath({ accountID }: Context, granted: string): string | undefined {
  if (accountID === undefined) return undefined;
  const account = `/accounts/${accountID.toLowerCase()}`;
  for (const scope of granted.split(' ')) {
    const resource = scope.startsWith(`${account}/`) && /\/([a-z-]+)\.read$/.exec(scope)?.[1];
    if (resource) return resource === 'profile' ? account : `${account}/${resource}`;
  }
  return undefined;
}

async function revoke(
  endpoint: OAuthEndpoint,
  { settings }: Context,
  { accessToken }: AuthToken,
): Promise<Step> {
  try {
    await requestRevocation(
      endpoint,
      { token: accessToken, tokenTypeHint: 'access_token' },
      {
        credentials: settings.credentials,
        headers: {},
        timeoutMs: REVOCATION_LIMIT_MS,
        retries: 0,
        signal: undefined,
        timers: new Timers(true),
      },
    );
    return passed('revocation', 'the token is revoked');
  } catch (error) {
    return failed('revocation', `${toError(error).message}. The token stays valid until it expires.`);
  }
}
