import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { isMoovCallError, MoovConfigError, moovErrorHandler } from '../../src/index.js';
import { refusingURL } from '../helpers/http-server.js';
import { failure, startMoov } from '../helpers/moov.js';
import { json } from '../security/servers.js';
import { start } from '../security/start.js';

const write = { method: 'POST', body: '{}' };

describe('a failure of moov.fetch', () => {
  it('of the network is a TypeError that says whether Moov may have acted', async () => {
    const { moov, fake } = await start();
    await moov.ready();
    fake.api = (message) => message.socket.destroy();
    const error = await failure(moov.fetch('/accounts', write));
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect(error.cause).toMatchObject({ isAxiosError: true, code: 'ECONNRESET' });
    expect(isMoovCallError(error) && error.moov).toEqual({ attempts: 1, ambiguous: true });
    await fake.close();
    const refused = await failure(moov.fetch('/accounts', write));
    expect(refused).toMatchObject({ name: 'TypeError', moov: { attempts: 1, ambiguous: false } });
  });

  it('of the token is the package’s own error', async () => {
    const { moov } = await startMoov({ baseURL: await refusingURL(), tokenTimeoutMs: 100 });
    const error = await failure(moov.fetch('/ping'));
    expect(error).toMatchObject({ name: 'MoovUnavailableError', status: 503, moov: { attempts: 0 } });
    await moov.close();
    expect(await failure(moov.fetch('/ping'))).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
  });

  it.each([
    [undefined, 'AbortError'],
    [new DOMException('too late', 'TimeoutError'), 'TimeoutError'],
    [new Error('the user has left'), 'AbortError'],
    ['a text', 'AbortError'],
  ])('by an abort with %s is an %s of its own, with the reason as its cause', async (reason, name) => {
    const { moov, fake } = await start();
    fake.api = () => undefined;
    const controller = new AbortController();
    const init = { ...write, signal: controller.signal };
    const calls = [
      failure(moov.fetch('/accounts', init)),
      failure(moov.fetch(new Request(`${fake.url}/accounts`, init))),
    ];
    await fake.arrived(2);
    controller.abort(reason);
    const [error, other] = await Promise.all(calls);
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name, moov: { attempts: 1, ambiguous: true } });
    expect(error?.cause).toBe(controller.signal.reason);
    expect(other).toMatchObject({ name, moov: { attempts: 1, ambiguous: true } });
    expect(other).not.toBe(error);
    const late = await failure(moov.fetch('/accounts', init));
    expect(late).toMatchObject({ name, moov: { attempts: 0, ambiguous: false } });
    expect(fake.arrivals).toHaveLength(2);
  });

  it('by a Request’s signal works also if the Request is garbage-collected, during the call and while reading', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('no garbage collection');
    const { moov, fake } = await start();
    const controller = new AbortController();
    const request = () => new Request(fake.url, { signal: controller.signal });
    fake.api = (_message, response) => {
      response.writeHead(200).write('begun');
    };
    const reading = failure((await moov.fetch(request())).text());
    fake.api = () => undefined;
    const call = failure(moov.fetch(request()));
    await fake.arrived(2);
    for (let round = 0; round < 5; round++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    expect(await reading).toMatchObject({ name: 'AbortError' });
  });

  it('by an abort while the body is read is the same', async () => {
    const { moov, fake } = await start();
    fake.api = (_message, response) => {
      response.writeHead(200).write('begun');
    };
    const controller = new AbortController();
    const response = await moov.fetch('/x', { signal: controller.signal });
    const text = failure(response.text());
    controller.abort();
    expect(await text).toMatchObject({ name: 'AbortError', moov: { attempts: 1, ambiguous: false } });
  });

  it('by the limits of time is a TimeoutError', async () => {
    const { moov, fake } = await start({ attemptTimeoutMs: 500 });
    await moov.ready();
    fake.api = () => undefined;
    const error = await failure(moov.fetch('/accounts', write));
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({
      name: 'TimeoutError',
      message: 'timeout of 500ms exceeded',
      moov: { attempts: 1, ambiguous: true },
    });
  });

  it('by a truncated response is reported with the outcome of the call', async () => {
    const { moov, fake } = await start();
    fake.api = (_message, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('a part', () => response.destroy());
    };
    const response = await moov.fetch('/x');
    const read = await failure(response.text());
    expect(read).toMatchObject({ name: 'TypeError', message: 'fetch failed', moov: { attempts: 1 } });
    expect(await failure(moov.fetch('/accounts', write))).toMatchObject({
      name: 'TypeError',
      moov: { attempts: 1, ambiguous: true },
    });
  });

  it('by a response that the standard cannot represent says that Moov may have acted', async () => {
    const { moov, fake } = await start();
    fake.api = (_message, response) => {
      response.socket?.end('HTTP/1.1 700 Odd\r\ncontent-length: 0\r\n\r\n');
    };
    const error = await failure(moov.fetch('/accounts', write));
    expect(error).toMatchObject({ name: 'TypeError', moov: { attempts: 1, ambiguous: true } });
  });

  it('by an application’s own interceptor says that Moov may have acted', async () => {
    const { moov, fake } = await start({
      configure: (instance) => {
        instance.interceptors.response.use((response) => {
          if (response.config.url === '/throws') throw new Error('mine');
          if (response.config.url === '/body') response.data = { mine: true };
          if (response.config.url === '/copied') return { ...response };
          return response.config.url === '/replaced' ? response.data : response;
        });
      },
    });
    fake.api = (_message, response) => json(response, 200, {});
    const mine = await failure(moov.fetch('/throws', write));
    expect(mine.message).toBe('mine');
    expect(mine).toMatchObject({ moov: { attempts: 1, ambiguous: true } });
    for (const path of ['/body', '/copied', '/replaced']) {
      const error = await failure(moov.fetch(path, write));
      expect(error).toBeInstanceOf(MoovConfigError);
      expect(error.message).toMatch(/interceptor/);
      expect(isMoovCallError(error) && error.moov.ambiguous).toBe(true);
    }
  });
});

describe('moovErrorHandler', () => {
  it('answers failures of moov.fetch as those of req.moov', async () => {
    const { moov, fake } = await start({ attemptTimeoutMs: 500 });
    await moov.ready();
    const controller = new AbortController();
    const app = express();
    app.get('/:how', async (req, res) => {
      const { signal } = controller;
      await moov.fetch('/accounts', req.params.how === 'own' ? { ...write, signal } : write);
      res.end();
    });
    app.use(moovErrorHandler());
    fake.api = () => undefined;
    const late = await request(app).get('/late');
    expect([late.status, late.body]).toMatchObject([504, { code: 'ERR_MOOV_TIMEOUT', ambiguous: true }]);
    fake.api = () => controller.abort(new DOMException('too late', 'TimeoutError'));
    const own = await request(app).get('/own');
    expect([own.status, own.body]).toMatchObject([504, { code: 'ERR_MOOV_TIMEOUT', ambiguous: true }]);
    fake.api = (message) => message.socket.destroy();
    const cut = await request(app).get('/cut');
    expect([cut.status, cut.body]).toMatchObject([502, { code: 'ERR_MOOV_NETWORK', ambiguous: true }]);
  });
});
