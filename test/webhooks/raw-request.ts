import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a POST with these headers alone, each as often and in the order as it is given; a list may repeat a name. */
export function send(
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
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers: pairs.flat() },
      (response) => {
        text(response).then(
          (content) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content }),
          reject,
        );
      },
    );
    // `on`, as a server may answer and close before it has received all of a large body.
    sent.on('error', reject).end(body);
  });
}
