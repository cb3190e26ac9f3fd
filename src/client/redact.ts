import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';

/** What may be shown of a request instead of the request itself, which leads to its headers. */
export interface RequestSummary {
  readonly method: string;
  readonly origin: string;
  /** Without the query, which may hold personal data. */
  readonly path: string;
}

/** What the caller may see in place of what the transport had. */
export interface Visible {
  /** The caller's own config. */
  readonly config: InternalAxiosRequestConfig;
  readonly request: RequestSummary;
  /** Takes the access token out of a text that the server may have echoed. */
  readonly clean: (text: string) => string;
}

/** A shorter text is no secret, and would be found in harmless places. */
const SHORTEST_SECRET = 5;

/** Takes a token out of a text. */
export function withoutToken(text: string, token: string): string {
  if (token.length < SHORTEST_SECRET || !text.includes(token)) return text;
  return text.replaceAll(`Bearer ${token}`, '[redacted]').replaceAll(token, '[redacted]');
}

/**
 * A response as the caller sees it. What comes from the transport holds the config and the request that carry the token:
 * both are replaced, by the caller's config and by a summary of the request. A token that the server echoes in its
 * status text or in a header is taken out.
 */
export function redactResponse(response: AxiosResponse, visible: Visible): AxiosResponse {
  response.config = visible.config;
  response.request = visible.request;
  response.statusText = visible.clean(String(response.statusText));
  const { headers } = response;
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name];
    if (typeof value === 'string') {
      const clean = visible.clean(value);
      if (clean !== value) headers[name] = clean;
    } else if (Array.isArray(value)) {
      headers[name] = value.map((one) => visible.clean(String(one)));
    }
  }
  return response;
}

/** A failure of the transport as the caller sees it; see {@link redactResponse}. */
export function redactError(failure: unknown, visible: Visible): unknown {
  // Of broken responses Node tells the bytes as they came.
  if (failure instanceof Error && 'rawPacket' in failure) Reflect.deleteProperty(failure, 'rawPacket');
  if (failure instanceof Error && failure.cause instanceof Error) redactError(failure.cause, visible);
  if (!isAxiosError(failure)) return failure;
  failure.config = visible.config;
  failure.request = visible.request;
  if (failure.response !== undefined) redactResponse(failure.response, visible);
  return failure;
}
