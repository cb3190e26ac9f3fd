import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isObject } from '../../utils/value-type.js';

/** A request that has arrived whole. */
export interface Call {
  readonly method: string;
  /** As it was sent, without the query; nothing is decoded or normalised. */
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A response. Without a body it has no content type either. */
export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object becomes JSON, a string is sent as it is. */
  readonly body?: object | string;
  /** What a person who looks into it should know, such as the scope that is missing. For the log, never sent. */
  readonly note?: string;
}

/** Thrown by a handler to answer with something other than success. */
export class Refusal extends Error {
  readonly response: ApiResponse;

  constructor(response: ApiResponse) {
    super(`refused with ${response.status}`);
    this.response = response;
  }
}

/** A response of which there is nothing to read but the status: Moov's 401, 403 and 429. The log has the reason. */
export function bare(status: number, note: string, headers: Readonly<Record<string, string>> = {}): Refusal {
  return new Refusal({ status, headers, note });
}

/** Moov's generic error: `{"error": "..."}`. */
export function failure(status: number, error: string): Refusal {
  return new Refusal({ status, body: { error } });
}

/** Moov's 422, with what is wrong under the name of each field at fault. */
export function invalid(fields: object): Refusal {
  return new Refusal({ status: 422, body: fields });
}

/** 501, which no client should retry, for what Moov has and the sandbox has not. */
export function notServed(what: string): Refusal {
  const error = `The sandbox does not serve ${what}. Give a response of your own with sandbox.respond(method, path, body).`;
  return new Refusal({ status: 501, body: { error } });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !Array.isArray(value);
}

/** A body of Moov's has a few levels. What is nested by thousands could be stored and then not be sent again. */
const MOST_LEVELS = 100;

/** @throws Refusal with 400 when the body is not a JSON object, or nested deeper than 100 levels. */
export function jsonObject(call: Call): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(call.body.toString('utf8'));
  } catch {
    throw failure(400, 'the body is not valid JSON');
  }
  if (!isRecord(value)) throw failure(400, 'the body is not a JSON object');
  if (isDeeperThan(MOST_LEVELS, value))
    throw failure(400, `the body is nested deeper than ${MOST_LEVELS} levels`);
  return value;
}

function isDeeperThan(levels: number, value: object): boolean {
  let level: object[] = [value];
  for (let depth = 1; depth <= levels && level.length > 0; depth++)
    level = level.flatMap((outer) => Object.values(outer).filter(isObject));
  return level.length > 0;
}

/** The user name and password of HTTP Basic (RFC 7617), as they were sent. */
export function basicCredentials(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** @throws what the stream throws when the client goes away before its request is complete. */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const [pathname, query] = splitTarget(request.url ?? '/');
  return {
    method: request.method ?? 'GET',
    pathname,
    query: new URLSearchParams(query),
    headers: request.headers,
    body: Buffer.concat(chunks),
  };
}

export function splitTarget(target: string): [pathname: string, query: string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}
