import { AxiosHeaders } from 'axios';

/** How many nested causes are looked at, as they may be circular. */
const DEPTH = 8;

/** An error and its causes. */
export function* chainOf(error: unknown): Generator<Error> {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < DEPTH; depth++) {
    yield at;
    at = at.cause;
  }
}

/**
 * Removes from an error whatever leads to the request's headers, and the bytes of a parse error, in which the server
 * may repeat those headers.
 */
export function bareError(error: Error): Error {
  for (const at of chainOf(error)) {
    for (const name of ['config', 'request', 'rawPacket']) Reflect.deleteProperty(at, name);
    if ('response' in at && typeof at.response === 'object' && at.response !== null) {
      Object.assign(at.response, { config: { headers: new AxiosHeaders() }, request: undefined });
    }
  }
  return error;
}
