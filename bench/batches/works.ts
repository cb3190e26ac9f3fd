// What is done with the calls, and what is measured of it.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures, WorkSettings } from './settings.js';
import { authFor, type Request, ways } from './ways.js';

export type Work = (settings: WorkSettings) => Promise<() => Promise<Figures>>;

function at<T>(values: readonly T[], share: number, none: T): T {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? none;
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await call();
  return performance.now() - began;
}

async function request({ way, url }: WorkSettings): Promise<Request> {
  const make = ways[way];
  if (make === undefined) throw new Error(`No way ${way}`);
  return make(url);
}

/** All at once. */
const batch: Work = async (settings) => {
  const send = await request(settings);
  return async () => {
    let failed = 0;
    const ms = await timed(() =>
      Promise.all(
        Array.from({ length: settings.calls }, () => send('/ping', settings.method).catch(() => failed++)),
      ),
    );
    return { ms, failed };
  };
};

/** A batch, and the same again within the minute. */
const twice: Work = async (settings) => {
  const run = await batch(settings);
  return async () => {
    const { failed: before = 0 } = await run();
    const { ms = 0, failed = 0 } = await run();
    return { ms, failed: before + failed };
  };
};

/** Many more than the time allows, with the deadline of 30 s. */
const flood: Work = async ({ url, calls, way }) => {
  const send = way === 'axios' ? await request({ url, way, work: '', calls, method: 'get' }) : undefined;
  const moov = send === undefined ? await authFor(url, 'adaptive', 30_000) : undefined;
  return async () => {
    const stalls = monitorEventLoopDelay({ resolution: 5 });
    stalls.enable();
    // The first delay that is counted is the one after the first turn.
    await sleep(50);
    const began = performance.now();
    const refused: number[] = [];
    let done = 0;
    const one = () =>
      (send?.('/ping') ?? moov?.client.get('/ping') ?? Promise.reject()).then(
        () => done++,
        () => refused.push(performance.now() - began),
      );
    await Promise.all(Array.from({ length: calls }, one));
    refused.sort((a, b) => a - b);
    return {
      done,
      'refusals, 95th %, s': at(refused, 0.95, 0) / 1000,
      'longest stall, ms': stalls.max / 1e6,
      'peak memory, MB': process.resourceUsage().maxRSS / 1024,
    };
  };
};

/** Requests one after another until `isOver`, every 50 ms. Returns their times in milliseconds, ascending. */
async function customers(call: () => Promise<unknown>, isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    times.push(await timed(call));
    await sleep(50);
  }
  return times.sort((a, b) => a - b);
}

function summary(times: readonly number[]): Figures {
  return { 'median, ms': at(times, 0.5, 0), 'worst, ms': times.at(-1) ?? 0, calls: times.length };
}

const backgroundJob: Work = async ({ url, calls }) => {
  const moov = await authFor(url, 'adaptive');
  const job = moov.clientFor({ background: true });
  return async () => {
    let isOver = false;
    const all = Promise.all(Array.from({ length: calls }, () => job.get('/ping'))).then(() => {
      isOver = true;
    });
    const times = await customers(
      () => moov.client.get('/ping'),
      () => isOver,
    );
    await all;
    return summary(times);
  };
};

/** The calls of one account while another is over its limit, and without that. */
const twoAccounts: Work = async ({ url }) => {
  const moov = await authFor(url, 'adaptive');
  const path = (n: number) => `/accounts/${String(n).repeat(8)}-0000-4000-8000-000000000000/wallets`;
  const during = async (ms: number) => {
    const end = performance.now() + ms;
    return customers(
      () => moov.client.get(path(1)),
      () => performance.now() > end,
    );
  };
  return async () => {
    const alone = await during(4_000);
    const others = Promise.all(Array.from({ length: 200 }, () => moov.client.get(path(2))));
    const together = await during(4_000);
    await others;
    return { ...summary(together), 'median without, ms': at(alone, 0.5, 0) };
  };
};

/** Calls a second while one endpoint always answers 429, and without that. */
const poisoned: Work = async ({ url }) => {
  const moov = await authFor(url, 'adaptive');
  const during = async (ms: number) => {
    const end = performance.now() + ms;
    let done = 0;
    const caller = async () => {
      while (performance.now() < end) {
        await moov.client.get('/ping');
        done++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, caller));
    return (done * 1000) / ms;
  };
  return async () => {
    const without = await during(5_000);
    const stuck = Array.from({ length: 5 }, () =>
      moov.client.get('/poisoned', { timeout: 22_000 }).catch(() => 0),
    );
    const first = await during(5_000);
    const rest = await during(15_000);
    await Promise.all(stuck);
    return { 'a second without': without, 'in the first 5 s': first, afterwards: rest };
  };
};

/** How soon so many calls a second pass after the rate was raised, in seconds. */
const raised: Work = async ({ url, calls }) => {
  // Time enough at the first rate too, as a call is refused at once when its turn can't come in time.
  const moov = await authFor(url, 'adaptive', 600_000);
  return async () => {
    const began = performance.now();
    const passedAt: number[] = [];
    const isFound = (index: number) =>
      (passedAt[index] ?? 0) - (passedAt[index - 63] ?? Number.NEGATIVE_INFINITY) < 1_000;
    await Promise.all(
      Array.from({ length: calls }, () =>
        moov.client.get('/ping').then(() => passedAt.push(performance.now())),
      ),
    );
    const found = passedAt.findIndex((_at, index) => index >= 63 && isFound(index));
    return { '64 a second after, s': ((passedAt[found] ?? Number.NaN) - began) / 1000 - 10 };
  };
};

/** The time of calls without a limit, adaptive to `rateLimit: false`, in alternating rounds. */
const cost: Work = async ({ url, calls }) => {
  const adaptive = await authFor(url, 'adaptive');
  const off = await authFor(url, false);
  const round = async ({ client }: typeof adaptive) => {
    const before = process.cpuUsage();
    let left = calls;
    const caller = async () => {
      while (left-- > 0) await client.get('/ping');
    };
    await Promise.all(Array.from({ length: 50 }, caller));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  return async () => {
    const ratios: number[] = [];
    for (let n = 0; n < 41; n++) {
      const pair = n % 2 === 0 ? [adaptive, off] : [off, adaptive];
      const [first = 0, second = 0] = [await round(pair[0] ?? off), await round(pair[1] ?? off)];
      if (n > 2) ratios.push(n % 2 === 0 ? first / second : second / first);
    }
    ratios.sort((a, b) => a - b);
    return {
      'CPU, ratio of medians': at(ratios, 0.5, 0),
      'lower quartile': at(ratios, 0.25, 0),
      'upper quartile': at(ratios, 0.75, 0),
    };
  };
};

export const works: Readonly<Record<string, Work>> = {
  batch,
  twice,
  flood,
  'background job': backgroundJob,
  'two accounts': twoAccounts,
  poisoned,
  raised,
  cost,
};
