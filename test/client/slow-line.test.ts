import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createRawServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import FormDataPackage from 'form-data';
import { describe, expect, it, onTestFinished } from 'vitest';
import { moovAuth } from '../../src/index.js';
import { failure } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

// attemptTimeoutMs limits the time without a byte: a large file on a slow line takes as long as the call may take.

const FILE_BYTES = 1_500_000;
const PIECE_BYTES = 16_384;
const IDLE_MS = 600;

/** Passes bytes on at the pace of a line: a piece every 20 ms, some 800 kB a second; the file takes about 2 s. */
function throttled(from: Socket, to: Socket): void {
  let queued = Buffer.alloc(0);
  const timer = setInterval(() => {
    if (queued.length === 0) return;
    to.write(queued.subarray(0, PIECE_BYTES));
    queued = queued.subarray(PIECE_BYTES);
    if (queued.length < PIECE_BYTES) from.resume();
  }, 20);
  from.on('data', (chunk) => {
    queued = Buffer.concat([queued, chunk]);
    if (queued.length >= PIECE_BYTES) from.pause();
  });
  from.on('close', () => {
    clearInterval(timer);
    to.end(queued);
  });
  from.on('error', () => undefined);
}

async function portOf(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe.each(transports)('over %s', (_name, over) => {
  async function start(stalls = false) {
    const upstream = createServer((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request
        .on('error', () => undefined)
        .on('end', () => {
          if (request.url === '/oauth2/token') {
            response.setHeader('content-type', 'application/json');
            response.end(JSON.stringify({ access_token: 'a-token', expires_in: 900 }));
          } else if (request.method === 'GET') {
            response.write('x'.repeat(stalls ? 10 : FILE_BYTES));
            if (!stalls) response.end();
          } else {
            response.end(String(bytes));
          }
        });
    });
    const upstreamPort = await portOf(upstream);
    const line = createRawServer((client) => {
      const server = connect(upstreamPort, '127.0.0.1');
      throttled(client, server);
      throttled(server, client);
    });
    const port = await portOf(line);
    const moov = moovAuth('/ping.read', {
      ...over,
      clientId: 'id',
      clientSecret: 'a-long-secret',
      baseURL: `http://127.0.0.1:${port}`,
      attemptTimeoutMs: IDLE_MS,
      tokenTimeoutMs: 10_000,
      retries: 0,
    });
    onTestFinished(async () => {
      upstream.closeAllConnections();
      await moov.close();
      line.close();
      upstream.close();
    });
    await moov.ready();
    return moov;
  }

  const bytes = Buffer.alloc(FILE_BYTES, 0x61);
  const form = () => {
    const body = new FormData();
    body.append('file', new Blob([bytes]), 'a.pdf');
    return body;
  };
  const packaged = () => {
    const body = new FormDataPackage();
    body.append('file', bytes, 'a.pdf');
    return body;
  };

  it.each<[string, () => unknown]>([
    ['a Buffer', () => bytes],
    ['a string', () => bytes.toString()],
    ['FormData', form],
    ['a form of the form-data package', packaged],
    ['a stream', () => Readable.from([bytes.subarray(0, 700_000), bytes.subarray(700_000)])],
  ])('%s is uploaded for longer than attemptTimeoutMs', async (_what, body) => {
    const moov = await start();
    const headers = { 'Content-Type': 'application/octet-stream' };
    const given = body();
    const config = Buffer.isBuffer(given) || typeof given === 'string' ? { headers } : {};
    const began = performance.now();
    const { data } = await moov.client.post('/files', given, config);
    expect(Number(data)).toBeGreaterThanOrEqual(FILE_BYTES);
    expect(performance.now() - began).toBeGreaterThan(2 * IDLE_MS);
  });

  it('a response is downloaded for longer than attemptTimeoutMs, as text and as a stream', async () => {
    const moov = await start();
    const { data } = await moov.client.get('/file');
    expect(data).toHaveLength(FILE_BYTES);
    const { data: stream } = await moov.client.get('/file', { responseType: 'stream' });
    let read = 0;
    for await (const chunk of stream) read += chunk.length;
    expect(read).toBe(FILE_BYTES);
  });

  it('a line on which nothing moves any more ends the attempt', async () => {
    const moov = await start(true);
    const error = await failure(moov.client.get('/stalls'));
    expect(error).toMatchObject({ code: 'ECONNABORTED', message: `timeout of ${IDLE_MS}ms exceeded` });
  });

  it('the deadline of the call still ends it', async () => {
    const moov = await start();
    const error = await failure(moov.client.post('/files', form(), { timeout: 1_200 }));
    expect(error).toMatchObject({ code: 'ECONNABORTED', moov: { attempts: 1, ambiguous: true } });
  });
});
