// The ways to make the calls of a batch.
import { randomUUID } from 'node:crypto';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import PQueue from 'p-queue';
import pThrottle from 'p-throttle';
import { type MoovAuth, type MoovAuthOptions, moovAuth } from '../../dist/esm/index.js';

export type Request = (url: string, method?: string) => Promise<unknown>;

/** A `MoovAuth` whose first token is there, unless `isReady` is false. */
export async function authFor(
  baseURL: string,
  rateLimit: MoovAuthOptions['rateLimit'],
  timeoutMs = 120_000,
  isReady = true,
): Promise<MoovAuth> {
  const origin = 'https://app.example.com';
  const options = { clientId: 'pk', clientSecret: 'sk', baseURL, origin, timeoutMs, rateLimit };
  const moov = moovAuth('/ping.read', { ...options, logger: false });
  if (isReady) await moov.ready();
  return moov;
}

const moovWith = (rateLimit: MoovAuthOptions['rateLimit'], isReady = true) => {
  return async (baseURL: string): Promise<Request> => {
    const { client } = await authFor(baseURL, rateLimit, 120_000, isReady);
    return (url, method = 'get') =>
      method === 'keyed post'
        ? client.post(url, {}, { headers: { 'X-Idempotency-Key': randomUUID() } })
        : client.request({ method, url });
  };
};

function bareAxios(baseURL: string): Request {
  const instance = axios.create({ baseURL, timeout: 120_000 });
  return (url, method = 'get') => instance.request({ method, url });
}

/** As many have it: its own back-off, ten retries, for 429. */
async function withAxiosRetry(baseURL: string): Promise<Request> {
  const instance = axios.create({ baseURL, timeout: 120_000 });
  axiosRetry(instance, {
    retries: 10,
    retryCondition: (error) => error.response?.status === 429,
    retryDelay: (count, error) => axiosRetry.exponentialDelay(count, error),
  });
  return (url, method = 'get') => instance.request({ method, url });
}

/** The limit has to be known. */
async function withPQueue(baseURL: string): Promise<Request> {
  const queue = new PQueue({ interval: 1_000, intervalCap: 40 });
  const request = bareAxios(baseURL);
  return (url, method) => queue.add(() => request(url, method));
}

/** The limit has to be known. */
async function withPThrottle(baseURL: string): Promise<Request> {
  return pThrottle({ limit: 40, interval: 1_000 })(bareAxios(baseURL));
}

export const ways: Readonly<Record<string, (baseURL: string) => Promise<Request>>> = {
  'req.moov': moovWith('adaptive'),
  'req.moov, 40 a second': moovWith({ requestsPerSecond: 40 }),
  'req.moov, 40 a second, first token awaited by the calls': moovWith({ requestsPerSecond: 40 }, false),
  'req.moov, rateLimit: false': moovWith(false),
  axios: async (baseURL) => bareAxios(baseURL),
  'axios + axios-retry': withAxiosRetry,
  'axios + p-queue': withPQueue,
  'axios + p-throttle': withPThrottle,
};
