// Prints the memory of 10,000 calls that wait, in bytes for each: `node --expose-gc --import tsx waiting-calls.ts <way> <url>`.
// Those of `req.moov` wait for one token, those of bare Axios for their responses: nothing is answered at that URL.
import { setTimeout as sleep } from 'node:timers/promises';
import { moovAuth } from '../../dist/esm/index.js';
import { bareAxios, key, origin } from './clients.js';

const CALLS = 10_000;
/** Until the last connection of bare Axios stands. */
const SETTLED_MS = 3_000;

const [way = '', baseURL = ''] = process.argv.slice(2);
const patient = { timeoutMs: 60_000, attemptTimeoutMs: 60_000, tokenTimeoutMs: 60_000 };
const client =
  way === 'req.moov'
    ? moovAuth('/ping.read', { ...key, origin, baseURL, ...patient }).client
    : bareAxios(baseURL);

const before = memory();
for (let call = 0; call < CALLS; call++) client.get('/ping').catch(() => undefined);
await sleep(SETTLED_MS);
const after = memory();
console.log(
  JSON.stringify({ heap: (after.heap - before.heap) / CALLS, all: (after.all - before.all) / CALLS }),
);
process.exit();

function memory(): { heap: number; all: number } {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, all: rss };
}
