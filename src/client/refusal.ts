import { AxiosError, type AxiosResponse } from 'axios';
import type { MoovAuthEvent } from '../events.js';
import { plainRequestID } from '../utils/request-id.js';
import type { Call } from './call.js';

/** Moov's 401 and 403 have no body, so what they can mean is said here. Its 501 is the sandbox's. */
export const refusalMeanings: Readonly<Record<number, string>> = {
  401: 'the token is expired or revoked, or used with an Origin that is not registered with the API key, or for the wrong account',
  403: 'the token lacks the scope of this call, or has it for another account',
  501: 'the server does not offer this operation; if it is the sandbox, sandbox.respond(method, path, body) adds it',
};

/** A status that is not accepted, as Axios makes an error of it. */
export function statusError(response: AxiosResponse): AxiosError {
  const { status, config, request } = response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  const meaning = refusalMeanings[status];
  const message = `Request failed with status code ${status}${meaning === undefined ? '' : `: ${meaning}`}`;
  return new AxiosError(message, code, config, request, response);
}

/** The event of a response that refuses a call for its token; none for any other. */
export function refusalEvent({ request, token }: Call, response: AxiosResponse): MoovAuthEvent | undefined {
  const { status } = response;
  if (status !== 401 && status !== 403) return undefined;
  const { method, path } = request;
  return {
    type: 'call.refused',
    code: status === 401 ? 'ERR_MOOV_UNAUTHORIZED' : 'ERR_MOOV_FORBIDDEN',
    message: `Moov answered with ${status}: ${refusalMeanings[status]}`,
    method,
    path,
    ...requestIdOf(response),
    status,
    scopes: token?.scope?.split(' ') ?? [],
  };
}

/** Moov's own ID of a response, for events. */
export function requestIdOf(response: AxiosResponse | undefined): { requestId?: string } {
  const requestId = plainRequestID(response?.headers['x-request-id']);
  return requestId === undefined ? {} : { requestId };
}
