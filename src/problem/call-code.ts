import { AxiosError } from 'axios';
import type { MoovCallCode } from '../errors.js';

/** What each status of Moov's is called; any other goes by its class. */
const byStatus: Readonly<Record<number, MoovCallCode>> = {
  400: 'ERR_MOOV_BAD_REQUEST',
  401: 'ERR_MOOV_UNAUTHORIZED',
  403: 'ERR_MOOV_FORBIDDEN',
  404: 'ERR_MOOV_NOT_FOUND',
  409: 'ERR_MOOV_CONFLICT',
  422: 'ERR_MOOV_VALIDATION',
  429: 'ERR_MOOV_RATE_LIMITED',
};

/** By the first digit of the status. A 2xx is an error if its body can't be used. */
const byClass: Readonly<Record<number, MoovCallCode>> = {
  2: 'ERR_MOOV_RESPONSE',
  3: 'ERR_MOOV_REDIRECT',
  4: 'ERR_MOOV_REFUSED',
  5: 'ERR_MOOV_SERVER_ERROR',
};

/** What Axios calls a call that it could not make as it was set up. */
const wrongCall = new Set([
  AxiosError.ERR_BAD_OPTION,
  AxiosError.ERR_BAD_OPTION_VALUE,
  AxiosError.ERR_BAD_REQUEST,
  AxiosError.ERR_INVALID_URL,
  AxiosError.ERR_NOT_SUPPORT,
]);

/** Returns what became of a failed call, by the status of its response, or by the error's own code. */
export function callCode(error: AxiosError): MoovCallCode {
  const status = error.response?.status;
  if (status !== undefined)
    return byStatus[status] ?? byClass[Math.floor(status / 100)] ?? 'ERR_MOOV_RESPONSE';
  const code = axiosCode(error);
  if (code === AxiosError.ECONNABORTED || code === AxiosError.ETIMEDOUT) return 'ERR_MOOV_TIMEOUT';
  if (code === AxiosError.ERR_CANCELED) return 'ERR_MOOV_CANCELED';
  if (code === AxiosError.ERR_BAD_RESPONSE) return 'ERR_MOOV_RESPONSE';
  if (code === undefined || !error.isAxiosError || wrongCall.has(code)) return 'ERR_MOOV_CALL';
  return 'ERR_MOOV_NETWORK';
}

/** The code in Axios's terms: the abort of a call of fetch is a DOMException, whose code is a number. */
function axiosCode({ name, code }: AxiosError): string | undefined {
  if (name === 'AbortError') return AxiosError.ERR_CANCELED;
  if (name === 'TimeoutError') return AxiosError.ETIMEDOUT;
  return typeof code === 'string' ? code : undefined;
}
