import type { IncomingHttpHeaders } from 'node:http';
import { describeType, isObject } from '../utils/value-type.js';
import { parsedBody } from './exchange.js';
import type { ApiResponse, Call } from './http/call.js';
import { patternOf, type Route } from './resources/route.js';

/** A request for an endpoint of your own; see {@link MoovSandbox.respond}. */
export interface SandboxCall {
  /** In upper case. */
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly pathname: string;
  /** The segments that stand for the names in braces of the endpoint's path, by name. */
  readonly params: Readonly<Record<string, string>>;
  /** The query. */
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** JSON as parsed, anything else as text; `undefined` without a body. */
  readonly body: unknown;
}

/** The response of an endpoint of your own. */
export interface SandboxResponse {
  /** 200 to 599. Default 200. */
  readonly status?: number;
  /** Beside `x-request-id`, which may be replaced. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object or a list is sent as JSON, a string as it is. Default: no body. */
  readonly body?: object | string;
}

/**
 * Answers requests for an endpoint of your own. What it throws is a 500, and so is a response that can't be sent.
 *
 * @param call - The request.
 * @returns the response, or a promise of it.
 */
export type SandboxHandler = (call: SandboxCall) => SandboxResponse | Promise<SandboxResponse>;

/** Endpoints of the user's own; the last one given for a path is the one that answers. */
export class Responders {
  #routes: Route[] = [];

  /** @throws TypeError for what can't be an endpoint. */
  add(method: string, path: string, response: SandboxHandler | object | string): void {
    if (typeof method !== 'string' || !/^[a-z]+$/i.test(method)) {
      throw new TypeError(`respond: expected a method, such as 'GET'; got ${describeType(method)}.`);
    }
    if (typeof path !== 'string' || !/^\/(?!oauth2\/|_sandbox\/)[^?#]*$/.test(path)) {
      throw new TypeError(
        `respond: expected a path without a query, such as '/accounts/{accountID}/branding', and none below /oauth2/ or /_sandbox/; got ${describeType(path)}.`,
      );
    }
    checkNames(path);
    if (!isHandler(response) && typeof response !== 'string' && !isObject(response)) {
      throw new TypeError(`respond: expected a function or a body; got ${describeType(response)}.`);
    }
    const handler: SandboxHandler = isHandler(response) ? response : () => ({ body: response });
    this.#routes.unshift({
      method: method.toUpperCase(),
      pattern: patternOf(path),
      scopes: undefined,
      handle: (call, groups) => answer(handler, call, groups),
    });
  }

  clear(): void {
    this.#routes = [];
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }
}

function isHandler(response: unknown): response is SandboxHandler {
  return typeof response === 'function';
}

/** @throws TypeError for a name that no handler could read. */
function checkNames(path: string): void {
  const names = [...path.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name ?? '');
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined || /[{}]/.test(path.replaceAll(/\{[^{}]*\}/g, ''))) {
    throw new TypeError(
      `respond: expected names of letters, digits and _ in the braces of the path, such as {accountID}; got ${wrong === undefined ? 'a brace alone' : `{${wrong}}`}.`,
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new TypeError(`respond: the name {${twice}} is in the path twice.`);
}

async function answer(
  handler: SandboxHandler,
  { method, pathname, query, headers, body }: Call,
  params: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const call = { method, pathname, params, query, headers, body: parsedBody(headers, body) };
  const { status = 200, ...rest } = await handler(call);
  return { status, ...rest };
}
