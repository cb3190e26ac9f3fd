import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a POST with these headers alone, each as often and in the order as it is given; a list may repeat a name. */
export async function send(
  port: number,
  headers: Readonly<Record<string, string>> | readonly (readonly [string, string | undefined])[],
  body: string | Buffer,
  path = '/',
): Promise<Answer> {
  const given = Array.isArray(headers) ? headers : Object.entries(headers);
  const pairs = given.filter(([, value]) => value !== undefined);
  const isFramed = pairs.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  if (!isFramed) pairs.push(['content-length', String(Buffer.byteLength(body))]);
  if (!pairs.some(([name]) => name === 'host')) pairs.push(['host', 'localhost']);
  const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers: pairs.flat() });
  const [response] = await Promise.all([
    new Promise<IncomingMessage>((resolve, reject) => sent.once('response', resolve).on('error', reject)),
    // A server may answer before it has received all of a large body. The rest must have left before the test ends it.
    once(sent, 'finish'),
    sent.end(body),
  ]);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}
