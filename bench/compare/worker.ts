// One contestant in a process of its own, so that none is slowed down or sped up by what another did to the engine.
import { bodyContestants } from './bodies.js';
import { type Call, contestants } from './contestants.js';

/** What the parent may order. */
export type Task =
  /** As many calls as go in this time, but at least so many, with so many in flight. */
  | { inFlight: number; ms: number; atLeast?: number }
  /** So many calls at once. */
  | { burst: number }
  /** One call, a second one this many milliseconds later, and a third when both have been answered. */
  | { thenAfter: number }
  /** Calls at a steady pace, whether or not the earlier ones have been answered. */
  | { perSecond: number; seconds: number };

export interface Done {
  calls: number;
  failures: number;
  ms: number;
  /** Of each call, in milliseconds; for a steady pace alone. */
  latencies: number[];
  /** Processor time of the process, which says more than the clock where a machine is shared. */
  cpuMs: number;
  /** The most memory that the process has had so far. */
  peakBytes: number;
}

const [name = '', baseURL = ''] = process.argv.slice(2);
const start = contestants[name] ?? bodyContestants[name];
if (start === undefined) throw new Error(`No contestant ${name}`);
const call = await start(baseURL);
process.on('message', async (task: Task) => process.send?.(await perform(call, task)));
process.send?.('ready');

async function perform(callMoov: Call, task: Task): Promise<Done> {
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  const latencies: number[] = [];
  let calls = 0;
  let failures = 0;
  const one = async () => {
    await callMoov().catch(() => {
      failures++;
    });
    calls++;
  };
  if ('inFlight' in task) {
    const end = began + task.ms;
    const { atLeast = 0 } = task;
    const loop = async () => {
      while (performance.now() < end || calls < atLeast) await one();
    };
    await Promise.all(Array.from({ length: task.inFlight }, loop));
  } else if ('thenAfter' in task) {
    const first = one();
    await sleepUntil(began + task.thenAfter);
    await one();
    await first;
    await one();
  } else if ('burst' in task) {
    await Promise.all(Array.from({ length: task.burst }, one));
  } else {
    const running: Promise<void>[] = [];
    for (let due = began; due < began + task.seconds * 1_000; due += 1_000 / task.perSecond) {
      await sleepUntil(due);
      const sent = performance.now();
      running.push(one().then(() => void latencies.push(performance.now() - sent)));
    }
    await Promise.all(running);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    calls,
    failures,
    ms: performance.now() - began,
    latencies,
    cpuMs: (user + system) / 1_000,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  };
}

function sleepUntil(due: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
}
