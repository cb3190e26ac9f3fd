import { Readable } from 'node:stream';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { isAxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { MoovAuthError, MoovOAuthClient } from '../../src/index.js';
import { rows } from '../helpers/full.js';
import { transports } from '../helpers/transports.js';
import { type FakeMoov, type Handler, startFakeMoov } from './servers.js';
import { outcome, start } from './start.js';

const MiB = 1_048_576;
const LIMIT = 10 * MiB;

/** What the sockets of both sides may hold beside what was read. */
const IN_FLIGHT = 16 * MiB;

/** Sends zeros for as long as somebody takes them, up to a gigabyte. */
function flood(headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', ...headers });
    const chunk = Buffer.alloc(MiB);
    let sent = 0;
    const more = () => {
      while (sent < 1024 * MiB && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  };
}

/** The most memory that was in use at any time while something went on. */
async function memoryDuring(work: () => Promise<unknown>): Promise<number> {
  const used = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, used());
  }, 1);
  await work();
  clearInterval(timer);
  return Math.max(most, used()) - before;
}

async function drain(data: unknown): Promise<{ bytes: number; error: unknown }> {
  if (!(data instanceof Readable)) throw new Error('expected a stream');
  let bytes = 0;
  try {
    for await (const chunk of data) bytes += Buffer.from(chunk).length;
    return { bytes, error: undefined };
  } catch (error) {
    return { bytes, error };
  }
}

function isTooLarge(error: unknown): boolean {
  return isAxiosError(error) && /maxContentLength size of \d+ exceeded/.test(error.message);
}

describe.each(transports)('a response over maxContentLength, on %s,', (_name, transport) => {
  describe.each(rows(['json', 'text', 'arraybuffer'] as const))('responseType %s,', (responseType) => {
    it.each([
      ['with a Content-Length', { 'content-length': String(1024 * MiB) }],
      ['in chunks', {}],
    ])('is refused after 10 MiB, %s', async (_how, headers: Record<string, string>) => {
      const { fake, moov } = await start({ ...transport, retries: 2 });
      await moov.ready();
      fake.api = flood(headers);
      let error: unknown;
      const memory = await memoryDuring(async () => {
        ({ error } = await outcome(moov.client.get('/accounts', { responseType })));
      });
      expect(isTooLarge(error)).toBe(true);
      expect(isAxiosError(error) && error.response).toBeFalsy();
      expect(fake.sentBytes).toBeLessThan(LIMIT + IN_FLIGHT);
      expect(memory).toBeLessThan(100 * MiB);
      // It is not tried again, although the method is safe.
      expect(fake.arrivals).toHaveLength(1);
    });

    it('is let through at exactly the limit', async () => {
      const { fake, moov } = await start(transport);
      fake.api = (_request, response) => void response.end(Buffer.alloc(LIMIT, 'x'));
      const { value } = await outcome(moov.client.get('/accounts', { responseType }));
      expect(value).toMatchObject({ status: 200 });
      fake.api = (_request, response) => void response.end(Buffer.alloc(LIMIT + 1, 'x'));
      const { error } = await outcome(moov.client.get('/accounts', { responseType }));
      expect(isTooLarge(error)).toBe(true);
    });
  });

  it('ends a stream after 10 MiB', async () => {
    const { fake, moov } = await start(transport);
    await moov.ready();
    fake.api = flood();
    let end: { bytes: number; error: unknown } = { bytes: 0, error: undefined };
    const memory = await memoryDuring(async () => {
      const { data } = await moov.client.get('/accounts', { responseType: 'stream' });
      end = await drain(data);
    });
    expect(isTooLarge(end.error)).toBe(true);
    expect(end.bytes).toBeLessThanOrEqual(LIMIT);
    expect(fake.sentBytes).toBeLessThan(LIMIT + IN_FLIGHT);
    expect(memory).toBeLessThan(100 * MiB);
  });

  it('is not read before the caller reads the stream', async () => {
    const { fake, moov } = await start(transport);
    fake.api = flood();
    const { data } = await moov.client.get('/accounts', {
      responseType: 'stream',
      maxContentLength: 1024 * MiB,
    });
    if (!(data instanceof Readable)) throw new Error('expected a stream');
    // Until nothing more moves: what is not read stays in the sockets, and in the server.
    let before = -1;
    while (fake.sentBytes !== before) {
      before = fake.sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(fake.sentBytes).toBeLessThan(IN_FLIGHT);
    data.destroy();
  });

  it('ends the stream of a failure too', async () => {
    const { fake, moov } = await start(transport);
    fake.api = (_request, response) => {
      response.statusCode = 422;
      response.end(Buffer.alloc(LIMIT + MiB));
    };
    const { error } = await outcome(moov.client.get('/accounts', { responseType: 'stream' }));
    if (!isAxiosError(error)) throw error;
    expect(error.response?.status).toBe(422);
    expect(isTooLarge((await drain(error.response?.data)).error)).toBe(true);
  });

  it('may be smaller or larger for one call, and for all', async () => {
    const { fake, moov } = await start({ ...transport, axios: { maxContentLength: 1_000 } });
    fake.api = (_request, response) => void response.end(Buffer.alloc(1_001, 'x'));
    expect(isTooLarge((await outcome(moov.client.get('/accounts'))).error)).toBe(true);
    expect((await outcome(moov.client.get('/accounts', { maxContentLength: 2_000 }))).error).toBeUndefined();
    expect(isTooLarge((await outcome(moov.client.get('/accounts', { maxContentLength: 10 }))).error)).toBe(
      true,
    );
  });

  const bombs = {
    gzip: gzipSync(Buffer.alloc(256 * MiB)),
    deflate: deflateSync(Buffer.alloc(256 * MiB)),
    // The best quality takes 30 times as long, for no fewer bytes.
    br: brotliCompressSync(Buffer.alloc(256 * MiB), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  };

  describe.each(Object.entries(bombs))('from a bomb of %s', (encoding, bomb) => {
    const answer: Handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
      response.end(bomb);
    };

    it('is refused', async () => {
      expect(bomb.length).toBeLessThan(MiB);
      const { fake, moov } = await start(transport);
      fake.api = answer;
      let error: unknown;
      const memory = await memoryDuring(async () => {
        ({ error } = await outcome(moov.client.get('/accounts')));
      });
      expect(isTooLarge(error)).toBe(true);
      expect(memory).toBeLessThan(100 * MiB);
    });

    it('ends a stream', async () => {
      const { fake, moov } = await start(transport);
      fake.api = answer;
      const memory = await memoryDuring(async () => {
        const { data } = await moov.client.get('/accounts', { responseType: 'stream' });
        const { bytes, error } = await drain(data);
        expect(isTooLarge(error)).toBe(true);
        expect(bytes).toBeLessThanOrEqual(LIMIT);
      });
      expect(memory).toBeLessThan(100 * MiB);
    });

    it('is refused of the token endpoint', async () => {
      const { fake, moov } = await start({ ...transport, tokenTimeoutMs: 2_000 }, (one) => {
        one.token = answer;
      });
      const memory = await memoryDuring(async () => {
        const { error } = await outcome(moov.ready());
        expect(error).toBeInstanceOf(MoovAuthError);
        expect(error).toMatchObject({ status: 503 });
      });
      expect(memory).toBeLessThan(100 * MiB);
      expect(fake.issued).toEqual([]);
    });
  });

  it('is refused of the token endpoint after 1 MiB', async () => {
    const { fake, moov } = await start({ ...transport, tokenTimeoutMs: 2_000 }, (one) => {
      one.token = flood();
    });
    const { error } = await outcome(moov.ready());
    expect(error).toMatchObject({ code: expect.stringMatching(/NETWORK|TIMEOUT/), status: 503 });
    // Three attempts at most.
    expect(fake.sentBytes).toBeLessThan(3 * (MiB + IN_FLIGHT));
  });
});

describe('a MoovOAuthClient', () => {
  const client = (fake: FakeMoov) =>
    new MoovOAuthClient({ baseURL: fake.url, clientId: 'id', clientSecret: 'secret', retries: 0 });

  it('refuses a flood, for tokens and for revocations', async () => {
    const fake = await startFakeMoov();
    fake.token = flood();
    fake.revoke = flood();
    const minted = await outcome(
      client(fake).createAccessToken({ grantType: 'client_credentials', scope: '/x' }),
    );
    const revoked = await outcome(client(fake).revokeAccessToken({ token: 'x' }));
    for (const { error } of [minted, revoked])
      expect(error).toMatchObject({ code: 'ERR_MOOV_NETWORK', status: 503 });
    expect(fake.sentBytes).toBeLessThan(2 * (MiB + IN_FLIGHT));
  });
});
