import {
  type ApiResponse,
  bare,
  basicCredentials,
  type Call,
  failure,
  invalid,
  jsonObject,
} from '../http/call.js';
import type { Settings } from '../options.js';
import type { Recorder } from '../recorder.js';
import { isKnownScope } from './scopes.js';
import type { TokenResponse, Tokens } from './tokens.js';

/** Moov takes no longer token. */
const LONGEST_TOKEN = 4096;

type Fields = Readonly<Record<string, string | undefined>>;

/** Moov's two OAuth endpoints. */
export class OAuth {
  readonly #settings: Settings;
  readonly #tokens: Tokens;
  readonly #recorder: Recorder;

  constructor(settings: Settings, tokens: Tokens, recorder: Recorder) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#recorder = recorder;
  }

  /** `POST /oauth2/token`: RFC 6749 sections 4.4 and 6, with Moov's additions. */
  token(call: Call): ApiResponse {
    const fields = readFields(call);
    this.#authenticate(call, fields);
    // Any will do here; only the calls that use the token find out that it is a wrong one.
    if (!call.headers.origin && !call.headers.referer) {
      throw failure(400, 'an Origin or Referer header is required');
    }
    const response = this.#grant(fields);
    this.#recorder.count('tokensMinted');
    return { status: 200, headers: { 'cache-control': 'no-store' }, body: response };
  }

  /** `POST /oauth2/revoke`: RFC 7009. A token that is not known is no error. */
  revoke(call: Call): ApiResponse {
    const fields = readFields(call);
    this.#authenticate(call, fields);
    const { token, token_type_hint: hint } = fields;
    if (!token) throw failure(400, 'token is required');
    if (token.length > LONGEST_TOKEN)
      throw invalid({ token: `must have at most ${LONGEST_TOKEN} characters` });
    if (hint !== undefined && hint !== 'access_token' && hint !== 'refresh_token') {
      throw invalid({ token_type_hint: 'must be access_token or refresh_token' });
    }
    // A wrong hint does no harm: RFC 7009 section 2.1 has the server look among all its tokens.
    if (this.#tokens.revoke(token)) this.#recorder.count('tokensRevoked');
    return { status: 204 };
  }

  #grant(fields: Fields): TokenResponse {
    switch (fields.grant_type) {
      case 'client_credentials':
        if (!fields.scope) throw failure(400, 'scope is required with client_credentials');
        return this.#tokens.issue(readScopes(fields.scope));
      case 'refresh_token':
        return this.#refresh(fields);
      default:
        throw failure(400, 'grant_type must be client_credentials or refresh_token');
    }
  }

  #refresh({ refresh_token: token, scope }: Fields): TokenResponse {
    if (!token) throw failure(400, 'refresh_token is required with refresh_token');
    if (token.length > LONGEST_TOKEN) {
      throw invalid({ refresh_token: `must have at most ${LONGEST_TOKEN} characters` });
    }
    const granted = this.#tokens.refreshable(token);
    if (granted === undefined) throw invalid({ refresh_token: 'is unknown, used or revoked' });
    const scopes = scope ? readScopes(scope) : granted;
    if (!scopes.every((one) => granted.includes(one))) throw invalid({ scope: 'is more than was granted' });
    this.#tokens.revoke(token);
    return this.#tokens.issue(scopes, granted);
  }

  /** HTTP Basic, of which RFC 6749 section 2.3.1 has both parts form-encoded, or the fields of the body. */
  #authenticate(call: Call, fields: Fields): void {
    const basic = basicCredentials(call.headers.authorization);
    const id = basic === undefined ? fields.client_id : formDecode(basic.user);
    const secret = basic === undefined ? fields.client_secret : formDecode(basic.password);
    if (id !== this.#settings.clientId || secret !== this.#settings.clientSecret)
      throw bare(401, 'client ID or secret: not the API key of the sandbox');
  }
}

/** JSON or a form. A standard OAuth server takes the form only. */
function readFields(call: Call): Fields {
  const type = call.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') {
    return Object.fromEntries(new URLSearchParams(call.body.toString('utf8')));
  }
  if (type !== 'application/json') throw failure(400, 'the body must be JSON or form-encoded');
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(jsonObject(call))) {
    if (value === null) continue;
    if (typeof value !== 'string') throw failure(400, `${name} must be a string`);
    fields[name] = value;
  }
  return fields;
}

function readScopes(text: string): string[] {
  const scopes = [...new Set(text.split(' ').filter((scope) => scope !== ''))];
  const unknown = scopes.find((scope) => !isKnownScope(scope));
  if (unknown !== undefined) throw invalid({ scope: `unknown scope ${unknown}` });
  if (scopes.length === 0) throw invalid({ scope: 'has no scope' });
  return scopes;
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
