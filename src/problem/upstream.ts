import type { AxiosResponse } from 'axios';
import { invalidFields } from '../client/invalid-fields.js';
import { isStream } from '../client/streams.js';

/** Returns what a problem has of the body of Moov's response, by the option `exposeUpstream`. */
export function upstreamOf(
  response: AxiosResponse<unknown> | undefined,
  expose: boolean | 'validation',
): { upstream?: unknown; fields?: readonly string[] } {
  const body = response?.data;
  if (expose === false || body === undefined || !canBeShown(body)) return {};
  if (expose === true) return { upstream: asJSON(body) };
  const fields = response?.status === 422 ? invalidFields(body) : [];
  return fields.length === 0 ? {} : { fields };
}

/** Whether a body is text or parsed JSON; a stream or a buffer would be serialised with its internals. */
function canBeShown(body: unknown): boolean {
  return !isStream(body) && !ArrayBuffer.isView(body) && !(body instanceof ArrayBuffer);
}

/** What the client will see of a body. Nothing of one with a BigInt, a cycle, or a toJSON that throws. */
function asJSON(body: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(body));
  } catch {
    return undefined;
  }
}
