import { AxiosHeaders, type AxiosInstance } from 'axios';
import { describe, expect, it } from 'vitest';
import { MoovConfigError } from '../../src/index.js';
import { startMoov } from '../helpers/moov.js';

describe('req.moov, which all requests share,', () => {
  const changes: [string, (client: AxiosInstance) => unknown][] = [
    ['adds an interceptor', ({ interceptors }) => interceptors.request.use((config) => config)],
    ['takes an interceptor off', ({ interceptors }) => interceptors.response.eject(0)],
    ['takes all interceptors off', ({ interceptors }) => interceptors.request.clear()],
    [
      'pushes a handler',
      ({ interceptors }) => interceptors.response.handlers?.push({ fulfilled: spy, synchronous: false }),
    ],
    ['replaces the handlers', ({ interceptors }) => Object.assign(interceptors.response, { handlers: [] })],
    [
      'changes a handler',
      ({ interceptors }) => Object.assign(interceptors.request.handlers?.[0] ?? {}, { fulfilled: spy }),
    ],
    ['replaces forEach', ({ interceptors }) => Object.assign(interceptors.response, { forEach: spy })],
    ['replaces a manager', ({ interceptors }) => Object.assign(interceptors, { request: {} })],
    ['replaces the managers', (client) => Object.assign(client, { interceptors: {} })],
    ['replaces a method', (client) => Object.assign(client, { post: spy })],
    ['replaces request', (client) => Object.assign(client, { request: spy })],
    ['adds a member', (client) => Object.assign(client, { extra: 1 })],
    ['replaces the prototype', (client) => Object.setPrototypeOf(client, {})],
    ['makes another instance', (client) => client.create()],
    ['changes the defaults', ({ defaults }) => Object.assign(defaults, { baseURL: 'https://evil.example' })],
    [
      'changes default headers',
      ({ defaults }) => Object.assign(defaults.headers.common, { 'X-User': 'alice' }),
    ],
    [
      'changes default transforms',
      ({ defaults }) => [defaults.transformResponse].flat().push(spy) && pushTo(defaults),
    ],
    [
      'gives a transform a call of its own',
      ({ defaults }) => Object.assign([defaults.transformResponse].flat()[0] ?? {}, { call: spy }),
    ],
    ['redefines the adapter', ({ defaults }) => Object.defineProperty(defaults, 'adapter', { value: spy })],
  ];
  let seen = 0;
  const spy = <T>(value: T): T => {
    seen++;
    return value;
  };
  const pushTo = ({ transformResponse }: AxiosInstance['defaults']) => {
    if (Array.isArray(transformResponse)) transformResponse.push(spy);
  };

  it.each(changes)('refuses a handler that %s', async (_what, change) => {
    const { moov } = await startMoov();
    seen = 0;
    expect(() => change(moov.client)).toThrow();
    await moov.client.get('/ping');
    expect(seen).toBe(0);
  });

  it('says that configure is the place for interceptors', async () => {
    const { moov } = await startMoov();
    expect(() => moov.client.interceptors.request.use((config) => config)).toThrow(MoovConfigError);
    expect(() => moov.client.create()).toThrow(/"configure"/);
  });

  it('is not reachable through the class of interceptor managers, or through what configure kept', async () => {
    const kept: AxiosInstance['interceptors'][] = [];
    const { moov } = await startMoov({ configure: (instance) => kept.push(instance.interceptors) });
    await moov.ready();
    const manager = moov.client.interceptors.response;
    const prototype: object = Object.getPrototypeOf(manager);
    const original: unknown = Reflect.get(prototype, 'forEach');
    seen = 0;
    Reflect.set(prototype, 'forEach', () => spy(0));
    try {
      await moov.client.get('/ping');
    } finally {
      Reflect.set(prototype, 'forEach', original);
    }
    expect(seen).toBe(0);
    expect(() => kept[0]?.response.use(spy)).toThrow(MoovConfigError);
  });

  it('is closed also where configure put classes into the defaults', async () => {
    const { sandbox, moov } = await startMoov({
      configure: ({ defaults }) => {
        Object.assign(defaults.headers, { common: new AxiosHeaders({ 'X-Trace': 'on' }) });
        Object.assign(defaults, { params: new URLSearchParams({ a: '1' }) });
      },
    });
    const { headers } = moov.client.defaults;
    expect(() => Object.assign(headers.common, { 'X-User': 'alice' })).toThrow();
    expect(() => Reflect.get(moov.client.defaults, 'params').set('user', 'alice')).toThrow(MoovConfigError);
    await moov.client.get('/ping');
    const ping = sandbox.requests.find(({ path }) => path.startsWith('/ping'));
    expect(ping?.headers).toMatchObject({ 'x-trace': 'on' });
    expect(JSON.stringify(ping)).not.toContain('alice');
  });

  it('leaves other instances of Axios as they are', async () => {
    await startMoov();
    const { default: axios } = await import('axios');
    const other = axios.create();
    expect(() => other.interceptors.request.use((config) => config)).not.toThrow();
    expect(Object.isFrozen(axios.defaults)).toBe(false);
    expect(Object.isFrozen(axios.defaults.headers.common)).toBe(false);
  });
});
