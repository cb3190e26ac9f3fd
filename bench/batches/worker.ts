// One way to make a batch of calls, in a process of its own.
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { moovAuth } from '../../dist/esm/index.js';

const [way = '', baseURL = '', count = '1000', method = 'get'] = process.argv.slice(2);
const origin = 'https://app.example.com';

type Call = () => Promise<unknown>;

const moov = (rateLimit: 'adaptive' | { requestsPerSecond: number } | false) => async (): Promise<Call> => {
  const options = { clientId: 'pk', clientSecret: 'sk', baseURL, origin, timeoutMs: 120_000, rateLimit };
  const { client, ready } = moovAuth('/ping.read', { ...options, logger: undefined });
  await ready();
  return () => client.request({ method, url: '/ping' });
};

/** As many have it, with the package's own defaults but ten retries and respect for Retry-After. */
async function withAxiosRetry(): Promise<Call> {
  const instance = axios.create({ baseURL, timeout: 120_000 });
  axiosRetry(instance, {
    retries: 10,
    retryCondition: (error) => error.response?.status === 429,
    retryDelay: (count, error) => axiosRetry.exponentialDelay(count, error),
  });
  return () => instance.request({ method, url: '/ping' });
}

const ways: Readonly<Record<string, () => Promise<Call>>> = {
  'req.moov': moov('adaptive'),
  'req.moov, 40 a second': moov({ requestsPerSecond: 40 }),
  'req.moov, rateLimit: false': moov(false),
  'axios + axios-retry': withAxiosRetry,
};

const start = ways[way];
if (start === undefined) throw new Error(`No way ${way}`);
const call = await start();
process.on('message', async () => {
  const began = performance.now();
  let failed = 0;
  const one = () => call().catch(() => failed++);
  await Promise.all(Array.from({ length: Number(count) }, one));
  process.send?.({ ms: performance.now() - began, failed, peakMB: process.resourceUsage().maxRSS / 1024 });
});
process.send?.('ready');
