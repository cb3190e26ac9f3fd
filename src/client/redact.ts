import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import type { Token } from '../tokens/token.js';
import { chainOf } from '../transports/bare-error.js';
import type { RequestSummary } from './call-info.js';
import { hideResponseBody } from './private-bodies.js';

/** A shorter text is no secret, and would be found in harmless places. */
const SHORTEST_SECRET = 5;

/** A token in the forms in which a server may echo it: as it is, percent-encoded, and in base64. */
function formsOf(token: string): string[] {
  // In the base64 of a longer text it begins with any of the three bytes that four characters stand for.
  const inBase64 = [0, 1, 2].map((before) => {
    const bytes = Buffer.from('\0'.repeat(before) + token);
    return bytes.toString('base64').slice(Math.ceil((before * 4) / 3), Math.floor((bytes.length * 4) / 3));
  });
  const forUrls = inBase64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  return [token, encodeURIComponent(token), ...inBase64, ...forUrls];
}

/** Takes an access token out of a text that the server may have echoed. */
function withoutToken(text: string, token: string): string {
  if (token.length < SHORTEST_SECRET || text.length < token.length) return text;
  let clean = text;
  for (const form of formsOf(token)) {
    if (clean.includes(form))
      clean = clean.replaceAll(`Bearer ${form}`, '[redacted]').replaceAll(form, '[redacted]');
  }
  return clean;
}

/**
 * Makes a response what the caller may see. What comes from the transport holds the config and the request that carry
 * the token: both are replaced, by the caller's config and by a summary of the request. A token that the server echoes
 * in its status text or in a header is taken out, and its body is not printed.
 */
export function redactResponse(
  response: AxiosResponse,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
  token: Token,
): void {
  hideResponseBody(response);
  const secret = token.accessToken();
  response.config = config;
  response.request = request;
  response.statusText = withoutToken(String(response.statusText), secret);
  const { headers } = response;
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name];
    if (typeof value === 'string') {
      const clean = withoutToken(value, secret);
      if (clean !== value) headers[name] = clean;
    } else if (Array.isArray(value)) {
      headers[name] = value.map((one) => withoutToken(String(one), secret));
    }
  }
}

/** Makes a failure of the transport what the caller may see; see {@link redactResponse}. */
export function redactError(
  failure: unknown,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
  token: Token,
): unknown {
  for (const error of chainOf(failure)) {
    // Of broken responses Node reports the bytes as they came.
    Reflect.deleteProperty(error, 'rawPacket');
    if (!isAxiosError(error)) continue;
    error.config = config;
    error.request = request;
    if (error.response !== undefined) redactResponse(error.response, config, request, token);
  }
  return failure;
}
