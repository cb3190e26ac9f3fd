import { AxiosHeaders, type AxiosResponse } from 'axios';
import type { Settings } from '../config/resolve.js';
import { baseOf } from '../transports/base-url.js';
import { type Transport, unobserved, wireRequest, wireSettings } from '../transports/transport.js';
import { toError } from '../utils/errors.js';
import { userAgent } from '../version.js';

/** Pages of gateways are short, and Moov's answers to these calls too. */
const LARGEST_BODY_BYTES = 1_048_576;

/** A response, or in words why there was none. */
export type Probed =
  | { readonly response: AxiosResponse<unknown>; readonly failure?: undefined }
  | { readonly response?: undefined; readonly failure: string };

/** Sends a GET to Moov once, as `req.moov` would. */
export async function probe(
  { baseURL, origin, apiVersion }: Settings,
  send: Transport,
  { path, accessToken, signal }: { path: string; accessToken?: string | undefined; signal: AbortSignal },
): Promise<Probed> {
  const base = baseOf(baseURL);
  const headers = new AxiosHeaders({
    Accept: 'application/json',
    'X-Moov-Version': apiVersion,
    'User-Agent': userAgent,
    ...(origin === undefined ? {} : { Origin: origin }),
    ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
  });
  const image = { method: 'GET', origin: base.origin, path: base.path + path, headers };
  const settings = wireSettings({ responseType: 'text', maxContentLength: LARGEST_BODY_BYTES });
  try {
    const response = await send(wireRequest(settings, { ...image, data: undefined, signal }), unobserved);
    return { response };
  } catch (error) {
    return {
      failure: signal.aborted ? 'no response in time.' : reasonOf(toError(error), new URL(baseURL).hostname),
    };
  }
}

/** What a failed connection most likely means, by the system's code. */
const remedies: readonly (readonly [code: RegExp, remedy: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'The name could not be resolved: check DNS, and MOOV_BASE_URL.'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ECONNABORTED)$/,
    'No connection could be made: check the firewall, and whether a proxy (HTTPS_PROXY) is needed.',
  ],
  [
    /CERT|SIGNATURE|^ERR_TLS/,
    'The certificate is not trusted: a proxy may end TLS here. Give Node its CA with NODE_EXTRA_CA_CERTS.',
  ],
  [/^(ECONNRESET|EPIPE|EPROTO)$/, 'The connection broke: something on the way may not let it through.'],
];

function reasonOf(error: Error, host: string): string {
  const code = 'code' in error ? String(error.code) : '';
  const remedy = remedies.find(([pattern]) => pattern.test(code))?.[1] ?? error.message;
  return `${host} could not be reached${code === '' ? '' : ` (${code})`}. ${remedy}`;
}

/** Whether a response is a page, which Moov never sends. */
export function isPage({ headers, data }: AxiosResponse<unknown>): boolean {
  return /html/i.test(String(headers['content-type'] ?? '')) || /^\s*</.test(String(data ?? ''));
}
