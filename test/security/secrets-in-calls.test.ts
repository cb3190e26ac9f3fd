import http from 'node:http';
import { Readable } from 'node:stream';
import { type AxiosResponse, isAxiosError } from 'axios';
import { afterAll, describe, expect, it } from 'vitest';
import { full, rows } from '../helpers/full.js';
import { transports } from '../helpers/transports.js';
import { callCases, type Kit, never } from './calls.js';
import { Inspector, newFigures } from './inspector.js';
import { json, startElsewhere } from './servers.js';
import { outcome, start } from './start.js';

const figures = newFigures();
afterAll(() => {
  console.log('secrets in calls:', figures);
});

/** An error and everything it leads to by name, each to be looked at for itself. */
function partsOf(error: unknown): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  let depth = 0;
  for (let one = error; one instanceof Error; one = one.cause) {
    const name = depth === 0 ? 'error' : `cause ${depth}`;
    parts[name] = one;
    if (isAxiosError(one)) {
      parts[`${name}.config`] = one.config;
      parts[`${name}.request`] = one.request;
      if (one.response) Object.assign(parts, prefixed(name, partsOfResponse(one.response)));
    }
    depth++;
  }
  return parts;
}

function partsOfResponse(response: AxiosResponse): Record<string, unknown> {
  return {
    response,
    'response.config': response.config,
    'response.config.data': response.config.data,
    'response.request': response.request,
    'response.headers': response.headers,
    'response.data': response.data,
  };
}

function prefixed(name: string, parts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).map(([part, value]) => [`${name}.${part}`, value]));
}

function isResponse(value: unknown): value is AxiosResponse {
  return (
    !(value instanceof Error) &&
    typeof value === 'object' &&
    value !== null &&
    'status' in value &&
    'config' in value
  );
}

/** Reads a stream; the error it ends with, if it does. */
async function read(stream: Readable, during: () => Promise<void>): Promise<unknown> {
  let first = true;
  try {
    for await (const _chunk of stream) {
      if (first) await during();
      first = false;
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

function summary(result: unknown): string {
  if (isResponse(result)) return String(result.status);
  if (!(result instanceof Error)) return String(result);
  const status = isAxiosError(result) && result.response !== undefined ? result.response.status : '';
  return `${status} ${result.name} ${Reflect.get(result, 'code')} ${result.message}`;
}

describe.each(transports)('no secret can be seen, on %s,', (_name, transport) => {
  describe.each(rows(['json', 'stream'] as const))('with responseType %s,', (responseType) => {
    const cases = callCases.filter(
      (one) => (full || one.quick) && (responseType === 'json' || one.answer !== never),
    );
    it.each(cases)('of a call that ends with: $name', async (one) => {
      const started = await start({ ...transport, ...one.options });
      const { fake, moov, secrets, everything } = started;
      const inspector = new Inspector(figures, secrets);
      const elsewhere = await startElsewhere();
      await moov.ready();

      let begin: () => void = () => undefined;
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const kit: Kit = { fake, elsewhere: elsewhere.url, abort: new AbortController(), begun, begin };
      fake.api = one.answer(kit);
      await one.before?.(kit);
      const request = { url: '/accounts/1', responseType, ...one.request?.(kit) };
      const call = outcome(moov.client.request(request));
      await one.meanwhile?.(kit);
      const { value, error } = await call;

      let end: unknown = error ?? value;
      const response = isResponse(value) ? value : isAxiosError(error) ? error.response : undefined;
      await inspector.expectNone(
        {
          'the promise': call,
          "the caller's config": request,
          ...(error === undefined ? {} : partsOf(error)),
          ...(response === undefined ? {} : partsOfResponse(response)),
        },
        everything(),
      );
      if (response?.data instanceof Readable) {
        const broke = await read(response.data, () =>
          inspector.expectNone({ 'the stream, while it is read': response.data, error, response }),
        );
        if (isResponse(end)) end = broke ?? end;
        await inspector.expectNone(
          {
            'the stream, after it was read': response.data,
            'the response, after its stream was read': response,
            'the error, after its stream was read': error,
            ...prefixed('end of stream', partsOf(broke)),
          },
          everything(),
        );
      }
      const ends = responseType === 'stream' ? (one.endsStreamed ?? one.ends) : one.ends;
      expect(summary(end)).toMatch(ends instanceof RegExp ? ends : String(ends));
      expect(elsewhere.connections).toBe(0);
      expect(fake.issued.length).toBeGreaterThan(0);
    });
  });

  it.each(['json', 'stream'] as const)(
    'while a call with responseType %s is on its way',
    async (responseType) => {
      const seen: Record<string, unknown> = {};
      const { fake, moov, secrets, everything, parts } = await start({
        ...transport,
        configure: (instance) => {
          instance.interceptors.request.use((config) => {
            seen['config in an interceptor'] = config;
            return config;
          });
          instance.interceptors.response.use((response) => {
            seen['response in an interceptor'] = response;
            return response;
          });
        },
      });
      const inspector = new Inspector(figures, secrets);
      await moov.ready();
      let answer: () => void = () => undefined;
      fake.api = (_request, response) => {
        answer = () => json(response, 200, { ok: true });
      };
      const body = Readable.from(['abc']);
      const call = moov.client.post('/accounts', body, {
        responseType,
        headers: { 'content-type': 'text/plain' },
        transformRequest: [
          (data: unknown, headers: unknown) => {
            seen['headers in transformRequest'] = headers;
            return data;
          },
        ],
        transformResponse: [
          function (this: unknown, data: unknown) {
            seen['this in transformResponse'] = this;
            return data;
          },
        ],
      });
      await fake.arrived(1);
      await inspector.expectNone({ call, body, ...seen, ...parts() }, everything());
      answer();
      const response = await call;
      expect(Object.keys(seen)).toHaveLength(4);
      await inspector.expectNone({ call, response, ...seen, ...parts() }, everything());
    },
  );

  describe('with an agent of the application’s own that carries another call meanwhile,', () => {
    const ways: readonly (readonly [string, (agent: http.Agent) => Parameters<typeof start>[0]])[] = [
      ['in the option "axios"', (httpAgent) => ({ axios: { httpAgent } })],
      [
        'set by configure',
        (httpAgent) => ({
          configure: (instance) => {
            instance.defaults.httpAgent = httpAgent;
          },
        }),
      ],
    ];
    it.each(['json', 'stream'] as const)('given for each call, responseType %s', async (responseType) => {
      const httpAgent = new http.Agent({ keepAlive: true });
      const { fake, moov, secrets, everything } = await start(transport);
      const inspector = new Inspector(figures, secrets);
      await moov.ready();
      fake.api = (request, response) => {
        if (request.url === '/good') response.writeHead(200, { 'content-length': '5' }).write('go');
        else json(response, 404, {});
        if (request.url === '/good' && responseType === 'json') response.end('od!');
      };
      const { value } = await outcome(moov.client.get('/good', { httpAgent, responseType }));
      expect(Object.values({ ...httpAgent.sockets, ...httpAgent.freeSockets }).flat()).toHaveLength(1);
      const { error } = await outcome(moov.client.get('/bad', { httpAgent, responseType }));
      if (!isResponse(value)) throw error;
      await inspector.expectNone({ ...partsOfResponse(value), ...partsOf(error) }, everything());
      httpAgent.destroy();
    });

    it.each(ways)('given %s', async (_way, options) => {
      const agent = new http.Agent({ keepAlive: true });
      const { fake, moov, secrets, everything, parts } = await start({ ...transport, ...options(agent) });
      const inspector = new Inspector(figures, secrets);
      await moov.ready();
      fake.api = (request, response) => {
        if (request.url === '/slow') return;
        json(response, request.url === '/good' ? 200 : 404, {});
      };
      const abort = new AbortController();
      const slow = outcome(moov.client.get('/slow', { signal: abort.signal }));
      await fake.arrived(1);
      // It is the application's agent that is used.
      expect(Object.values(agent.sockets).flat()).toHaveLength(1);
      const { value } = await outcome(moov.client.get('/good'));
      const { error } = await outcome(moov.client.get('/bad'));
      if (!isResponse(value)) throw error;
      await inspector.expectNone({
        ...partsOfResponse(value),
        ...partsOf(error),
        ...everything(),
        ...parts(),
      });
      abort.abort();
      await slow;
      agent.destroy();
    });
  });
});
