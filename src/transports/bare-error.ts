import { AxiosHeaders } from 'axios';

/** How many nested causes are looked at, as they may be circular. */
const DEPTH = 8;

/** What the caller's own streams failed with. It may be the error of another service, with that service's response. */
const ofCallers = new WeakSet<Error>();

/** Takes note that an error is the caller's own: it can't lead to a request of this package, and is not changed. */
export function leaveAsIs(error: Error): Error {
  ofCallers.add(error);
  return error;
}

/** An error and its causes, up to one that is the caller's own. */
export function* chainOf(error: unknown): Generator<Error> {
  let at = error;
  for (let depth = 0; at instanceof Error && !ofCallers.has(at) && depth < DEPTH; depth++) {
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
