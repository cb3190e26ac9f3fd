/**
 * The headers of a request: those of Node (`req.headers`), of `fetch` (`request.headers`), or the object of a serverless
 * platform, whose names may be in any case.
 */
export type MoovWebhookHeaders = Readonly<Record<string, unknown>> | Pick<Headers, 'get'>;

/** @returns the value of a header, or `undefined` when it is missing, empty or given several times. */
export function readHeader(headers: MoovWebhookHeaders, name: string): string | undefined {
  const values = isFetchHeaders(headers) ? [headers.get(name)] : valuesOf(headers, name);
  const [value] = values;
  return values.length === 1 && typeof value === 'string' && value !== '' ? value : undefined;
}

function isFetchHeaders(headers: MoovWebhookHeaders): headers is Pick<Headers, 'get'> {
  return typeof headers.get === 'function';
}

function valuesOf(headers: Readonly<Record<string, unknown>>, name: string): unknown[] {
  return Object.keys(headers)
    .filter((key) => key.toLowerCase() === name)
    .flatMap((key) => headers[key]);
}
