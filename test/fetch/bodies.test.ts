import { channel } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { AxiosError, AxiosHeaders } from 'axios';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MoovConfigError, MoovReplayError, moovProblem } from '../../src/index.js';
import { failure, startMoov, until } from '../helpers/moov.js';
import { json, whole } from '../security/servers.js';
import { start } from '../security/start.js';

const MIB = 1_048_576;

/** What arrived at Moov, for each request. */
async function startEcho() {
  const started = await start();
  const bodies: string[] = [];
  started.fake.api = (request, response) =>
    whole(request, (body) => {
      bodies.push(body);
      json(response, 200, {});
    });
  return { ...started, bodies };
}

function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  });
}

describe('bodies of requests', () => {
  it('are sent as fetch sends them, with its content types', async () => {
    const { moov, fake, bodies } = await startEcho();
    const form = new FormData();
    form.set('a', 'b');
    const sent: [RequestInit['body'], string | undefined][] = [
      ['grüße', 'text/plain;charset=UTF-8'],
      [new URLSearchParams({ a: 'b c' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
      [new TextEncoder().encode('bytes'), undefined],
      [new Blob(['blob'], { type: 'application/x-blob' }), 'application/x-blob'],
      [form, 'multipart/form-data'],
      [null, undefined],
    ];
    for (const [body] of sent) await moov.fetch('/x', { method: 'POST', body: body ?? null });
    const types = fake.arrivals.map(({ headers }) => headers['content-type']?.split('; ')[0]);
    expect(types).toEqual(sent.map(([, type]) => type));
    expect(bodies.toSpliced(4, 1)).toEqual(['grüße', 'a=b+c', 'bytes', 'blob', '']);
    expect(bodies[4]).toMatch(/name="a"\r\n\r\nb\r\n/);
    const lengths = fake.arrivals.map(({ headers }) => Number(headers['content-length']));
    expect(lengths).toEqual(bodies.map((body) => Buffer.byteLength(body)));
  });

  it('have their true length, whatever the caller says', async () => {
    const { moov, fake, bodies } = await startEcho();
    const headers = { 'content-length': '1', 'transfer-encoding': 'chunked' };
    await moov.fetch('/x', { method: 'POST', body: 'whole', headers });
    expect(bodies).toEqual(['whole']);
    expect(fake.arrivals[0]?.headers['content-length']).toBe('5');
    expect(fake.arrivals[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('are carried on as they come when they are streams', async () => {
    const { moov, fake, bodies } = await startEcho();
    const stream = new Readable({ read() {} });
    const call = moov.fetch('/x', { method: 'POST', body: stream, duplex: 'half' });
    stream.push('begun ');
    await fake.arrived(1);
    stream.push('and ended');
    stream.push(null);
    expect((await call).status).toBe(200);
    expect(bodies).toEqual(['begun and ended']);
  });

  it('that are streams can’t be replayed, which MoovReplayError says', async () => {
    const { moov, sandbox } = await startMoov();
    await moov.ready();
    sandbox.revokeTokens();
    const body = streamOf('{}');
    const error = await failure(moov.fetch('/accounts', { method: 'POST', body, duplex: 'half' }));
    expect(error).toBeInstanceOf(MoovReplayError);
    expect(error.moov).toMatchObject({ attempts: 1, ambiguous: false });
    expect(sandbox.stats.apiRequests).toBe(1);
  });

  it('of a Request are read up to 32 MiB, and those of init without a limit', async () => {
    const { moov, fake, bodies } = await startEcho();
    let cancelled = false;
    let produced = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        produced++;
        controller.enqueue(Buffer.alloc(MIB, 'x'));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const request = new Request(`${fake.url}/x`, { method: 'POST', body: endless, duplex: 'half' });
    const error = await failure(moov.fetch(request));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error.message).toMatch(/over 32 MiB.*init\.body/);
    expect(error.moov).toEqual({ attempts: 0, ambiguous: false });
    expect(cancelled).toBe(true);
    expect(produced).toBeLessThan(36);
    expect(fake.arrivals).toEqual([]);

    const most = Buffer.alloc(32 * MIB, 'x');
    await moov.fetch(new Request(`${fake.url}/x`, { method: 'POST', body: most }));
    await moov.fetch('/x', { method: 'POST', body: Buffer.alloc(32 * MIB + 1, 'x') });
    expect(bodies.map(({ length }) => length)).toEqual([32 * MIB, 32 * MIB + 1]);
  });

  it('of a Request that stall end with timeoutMs or the abort, and are given up', async () => {
    const { moov, fake } = await start({ timeoutMs: 50 });
    for (const timed of [true, false]) {
      let cancelled: unknown;
      const body = new ReadableStream({
        cancel: (reason) => {
          cancelled = reason;
        },
      });
      const controller = new AbortController();
      const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as const;
      const call = failure(moov.fetch(new Request(`${fake.url}/x`, init)));
      if (!timed) controller.abort();
      const error = await call;
      expect(error.name).toBe(timed ? 'TimeoutError' : 'AbortError');
      expect(error.moov).toEqual({ attempts: 0, ambiguous: false });
      expect(cancelled).toBeInstanceOf(DOMException);
    }
    expect(fake.arrivals).toEqual([]);
  });

  it('that fail by themselves, before or after sending started, fail the call without crashing the process', async () => {
    const { moov, fake } = await startEcho();
    const broken = () =>
      new ReadableStream({
        pull: (controller) => controller.error(new Error('the disk is gone')),
      });
    const request = new Request(`${fake.url}/x`, { method: 'POST', body: broken(), duplex: 'half' });
    expect(await failure(moov.fetch(request))).toMatchObject({
      message: 'the disk is gone',
      moov: { attempts: 0 },
    });
    const error = await failure(moov.fetch('/x', { method: 'POST', body: broken(), duplex: 'half' }));
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
  });

  it.each(['undici', 'axios'] as const)(
    'that are aborted with a text, such as another service’s response, fail the call over %s',
    async (transport) => {
      const { moov } = await start({ transport });
      await moov.ready();
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from('first part'));
          setImmediate(() => controller.error('user closed the tab'));
        },
      });
      const error = await failure(moov.fetch('/x', { method: 'POST', body, duplex: 'half' }));
      expect(error).toMatchObject({
        message: 'fetch failed',
        cause: { message: 'user closed the tab' },
        moov: { attempts: 1 },
      });
    },
  );

  it('that fail with the error of another service fail the call, and nothing of it is taken for Moov’s', async () => {
    const { moov, fake } = await startEcho();
    await moov.ready();
    const late = new AxiosError('timeout of 1ms exceeded', 'ECONNABORTED', { headers: new AxiosHeaders() });
    const broken = () => new ReadableStream({ pull: (controller) => controller.error(late) });
    const url = `${fake.url}/x`;
    for (const call of [
      () => moov.fetch(new Request(url, { method: 'POST', body: broken(), duplex: 'half' })),
      () => moov.fetch(url, { method: 'POST', body: broken(), duplex: 'half' }),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', moov: {} });
      expect(moovProblem(error)?.body).toMatchObject({ code: 'ERR_MOOV_CALL' });
      expect(late).not.toHaveProperty('moov');
    }
  });
});

describe('bodies of responses', () => {
  it('to reads are streams, given up by cancel(), which frees the connection', async () => {
    const { moov, fake } = await start({ timeoutMs: 60_000, attemptTimeoutMs: 60_000 });
    let closed = false;
    fake.api = (_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200).write('begun');
    };
    const response = await moov.fetch('/x');
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(Buffer.from(value ?? '').toString()).toBe('begun');
    await reader?.cancel();
    await until(() => closed, 'the connection is closed');
  });

  it.each([
    ['is aborted', (_response: ServerResponse, abort: () => void) => abort(), 'AbortError'],
    ['breaks off', (response: ServerResponse) => void response.destroy(), 'TypeError'],
  ])(
    'that has begun and %s in the turn of its head fails for its reader alone',
    async (_name, end, error) => {
      const { moov, fake } = await start();
      await moov.ready();
      const controller = new AbortController();
      let reply: ServerResponse | undefined;
      fake.api = (_request, response) => {
        reply = response;
        response.writeHead(200).write('begun');
      };
      // Of all that undici tells of, this is the nearest to where the head is handed on.
      const heads = channel('undici:request:headers');
      const onHead = () => process.nextTick(() => reply && end(reply, () => controller.abort()));
      heads.subscribe(onHead);
      onTestFinished(() => void heads.unsubscribe(onHead));
      const call = moov.fetch('/x', { signal: controller.signal });
      expect(await failure(call.then((response) => response.text()))).toMatchObject({ name: error });
    },
  );

  it('that are empty are delivered although close() comes while an interceptor has the response', async () => {
    let handed = () => {};
    let release = () => {};
    const intercepted = new Promise<void>((resolve) => {
      handed = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { moov, fake } = await start({
      configure: (instance) => {
        instance.interceptors.response.use(async (response) => {
          handed();
          await gate;
          return response;
        });
      },
    });
    fake.api = (_request, response) => response.writeHead(204).end();
    const call = moov.fetch('/x');
    await intercepted;
    const closed = moov.close();
    // Once the stream of the response has ended.
    setImmediate(release);
    expect((await call).status).toBe(204);
    await closed;
  });

  it('that are not read are cancelled when the attempt’s time is over', async () => {
    const { moov, fake } = await start({ attemptTimeoutMs: 1_500 });
    let closed = false;
    fake.api = (_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200).write('begun');
    };
    const response = await moov.fetch('/x');
    await until(() => closed, 'the connection is closed');
    const error = await failure(response.text());
    expect(error).toMatchObject({ name: 'TimeoutError', moov: { attempts: 1, ambiguous: false } });
  });

  it('are whole up to 10 MiB', async () => {
    const { moov, fake } = await start();
    fake.api = (_request, response) => {
      response.writeHead(200);
      response.end(Buffer.alloc(9 * MIB, 'x'));
    };
    const response = await moov.fetch('/x');
    expect((await response.arrayBuffer()).byteLength).toBe(9 * MIB);
    fake.api = (_request, reply) => {
      reply.writeHead(200);
      reply.end(Buffer.alloc(11 * MIB, 'x'));
    };
    const large = await moov.fetch('/x');
    expect(await failure(large.text())).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
  });

  it('are unpacked, and headers come whole, also several cookies', async () => {
    const { moov, fake } = await start();
    fake.api = (_request, response) => {
      response.writeHead(200, 'Fine', {
        'content-encoding': 'gzip',
        'set-cookie': ['a=1; Path=/', 'b=2'],
        'x-list': 'p, q',
      });
      response.end(gzipSync('{"packed":true}'));
    };
    for (const method of ['GET', 'PUT']) {
      const response = await moov.fetch('/x#part', { method });
      expect(response.statusText).toBe('Fine');
      expect(response.url).toBe(`${fake.url}/x`);
      expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
      expect(response.headers.get('x-list')).toBe('p, q');
      expect(await response.json()).toEqual({ packed: true });
    }
  });

  it.each(['undici', 'axios'] as const)(
    'of a 304 that tells a length are null, over %s',
    async (transport) => {
      const { moov, fake } = await start({ transport });
      for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
        fake.api = (_request, response) =>
          response.writeHead(304, { 'content-length': '5', ...headers }).end();
        const response = await moov.fetch('/x', { headers: { 'if-none-match': '"a"' } });
        expect([response.status, response.body, response.moov.attempts]).toEqual([304, null, 1]);
        const call = moov.client.get('/x', { validateStatus: (status) => status === 304 });
        expect(await call).toMatchObject({ status: 304, data: '', moov: { attempts: 1 } });
      }
    },
  );

  it.each([
    ['GET', 204],
    ['GET', 304],
    ['POST', 205],
    ['HEAD', 200],
  ])('of %s with %i are null, and connections are used again', async (method, status) => {
    const { moov, fake } = await start();
    const ports = new Set<number | undefined>();
    fake.api = (request, response) => {
      ports.add(request.socket.remotePort);
      // Without a length Node's server ends the connection after a HEAD.
      response.writeHead(status, method === 'HEAD' ? { 'content-length': '5' } : {}).end();
    };
    for (let call = 0; call < 6; call++) {
      const response = await moov.fetch('/x', { method });
      expect([response.status, response.body]).toEqual([status, null]);
    }
    // undici lets a connection rest for a turn of the event loop, and ends it after a HEAD.
    expect(ports.size).toBeLessThanOrEqual(method === 'HEAD' ? 6 : 2);
  });
});
