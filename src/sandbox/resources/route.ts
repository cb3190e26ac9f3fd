import { isKnownScope } from '../auth/scopes.js';
import type { ApiResponse, Call } from '../http/call.js';

/** The names in the braces of a path: `'accountID'` of `/accounts/{accountID}/cards`. */
type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Record<Name, string> & ParamsOf<Rest>
  : unknown;

/** The segments of a path that stand for the names in its braces, by name. */
export type Groups = Readonly<Record<string, string>>;

/** What a route answers. */
export type Handled = ApiResponse | Promise<ApiResponse>;

/** One operation of the API. */
export interface Route {
  readonly method: string;
  /** Matches the path of a request, without its query. */
  readonly pattern: RegExp;
  /** The scopes of which a token needs one, unfilled. Default: what {@link scopesFor} derives. */
  readonly scopes: readonly string[] | undefined;
  readonly handle: (call: Call, groups: Groups) => Handled;
}

/**
 * Makes a route.
 *
 * @param path - Such as `/accounts/{accountID}/cards`; the handler gets each name as one segment of the path.
 * @param scopes - The scopes of which a token needs one, when they are not those of the path.
 */
export function route<Path extends string>(
  method: string,
  path: Path,
  handle: (call: Call, params: ParamsOf<Path>) => Handled,
  scopes?: readonly string[],
): Route {
  return {
    method,
    pattern: patternOf(path),
    scopes,
    handle: (call, groups) => {
      if (!isParamsOf(path, groups)) throw new Error(`${path} was matched without its names`);
      return handle(call, groups);
    },
  };
}

function isParamsOf<Path extends string>(path: Path, groups: unknown): groups is ParamsOf<Path> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return typeof groups === 'object' && groups !== null && names.every((name) => name in groups);
}

/** Matches the paths that a path with names in braces stands for. */
export function patternOf(path: string): RegExp {
  const escaped = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

/**
 * The scopes of which a token needs one, by Moov's convention: reading `/accounts/{accountID}/cards/...` takes
 * `/accounts/{accountID}/cards.read`, and changing it `cards.write`. Moov's documents name no scope for some
 * resources, such as webhooks: for these the list is empty, and any token will do.
 *
 * @see {@link https://docs.moov.io/api/authentication/scopes/ | Moov: scopes}
 */
export function scopesFor(method: string, pathname: string): readonly string[] {
  const access = method === 'GET' ? 'read' : 'write';
  const [, first, accountID, resource] = pathname.split('/');
  const scope =
    resource === undefined ? `/${first}.${access}` : `/${first}/${accountID}/${resource}.${access}`;
  return isKnownScope(scope) ? [scope] : [];
}
