import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createMoovSandbox, type MoovSandbox } from '../../src/sandbox/index.js';
import type { RedisServer } from '../helpers/redis.js';
import type { Order, Report, Setup, Told } from './protocol.js';

const PROCESSES = 8;
const TOKEN_LIFE_SECONDS = 3;

/** A process of a fleet, and what it has told. */
export class Member {
  readonly #child: ChildProcess;
  readonly ready: Promise<void>;
  readonly #report: Promise<Report | undefined>;
  /** Called when it is about to ask Moov for a token. */
  onMinting: () => void = () => undefined;

  constructor(setup: Setup, preload?: string) {
    const path = fileURLToPath(new URL('member.ts', import.meta.url));
    const execArgv = ['--import', 'tsx', ...(preload === undefined ? [] : ['--import', preload])];
    this.#child = fork(path, { execArgv, env: { ...process.env, FLEET_SETUP: JSON.stringify(setup) } });
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('exit', (code) =>
        reject(new Error(`A member ended with ${code} before it was ready`)),
      );
      this.#child.on('message', (told: Told) => {
        if ('ready' in told) resolve();
        if ('minting' in told) this.onMinting();
      });
    });
    this.#report = new Promise((resolve) => {
      this.#child.once('exit', () => resolve(undefined));
      this.#child.on('message', (told: Told) => {
        if ('report' in told) resolve(told.report);
      });
    });
    this.ready.catch(() => undefined);
  }

  order(order: Order): void {
    if (this.#child.connected) this.#child.send(order);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** @returns `undefined` when it was killed before. */
  stop(): Promise<Report | undefined> {
    this.order('stop');
    return this.#report;
  }
}

export interface FleetRun {
  readonly sandbox: MoovSandbox;
  readonly members: readonly Member[];
}

export interface FleetResult {
  /** While calls were made. */
  tokenRequests: number;
  calls: number;
  failures: string[];
  longestMs: number;
  /** Summed over the processes. */
  events: Record<string, number>;
  commands: number;
}

export interface FleetOptions {
  seconds: number;
  redis: RedisServer;
  /** How many processes. Default 8. */
  processes?: number;
  /** Whether they use the store. Default `true`. */
  shares?: boolean;
  /** A module that the first process loads before all else. */
  preloadOfFirst?: string;
  /** What happens in the middle. */
  disturb?: (run: FleetRun) => Promise<void> | void;
}

/** Runs a fleet against a sandbox of its own, and counts. */
export async function runFleet(options: FleetOptions): Promise<FleetResult> {
  const { seconds, redis, processes = PROCESSES, shares = true, preloadOfFirst, disturb } = options;
  const sandbox = createMoovSandbox({ tokenLifeSeconds: TOKEN_LIFE_SECONDS, expiresIn: 'seconds' });
  const baseURL = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  // A key of its own for each run, so that runs on one Redis do not share.
  const setup = {
    baseURL,
    ...sandbox.credentials,
    redisURL: redis.url,
    encryptionKey: Buffer.alloc(32, 9).toString('base64'),
    shares,
  };
  const members = Array.from(
    { length: processes },
    (_, place) => new Member(setup, place === 0 ? preloadOfFirst : undefined),
  );
  await Promise.all(members.map(({ ready }) => ready));
  const before = sandbox.stats.tokenRequests;
  const end = performance.now() + seconds * 1_000;
  for (const member of members) member.order('call');
  await sleep((seconds / 2) * 1_000);
  await disturb?.({ sandbox, members });
  await sleep(end - performance.now());
  const tokenRequests = sandbox.stats.tokenRequests - before;
  const reports = (await Promise.all(members.map((member) => member.stop()))).filter(
    (report) => report !== undefined,
  );
  const events: Record<string, number> = {};
  for (const report of reports) {
    for (const [type, count] of Object.entries(report.events)) events[type] = (events[type] ?? 0) + count;
  }
  return {
    tokenRequests,
    calls: sum(reports.map(({ calls }) => calls)),
    failures: reports.flatMap(({ failures }) => failures),
    longestMs: Math.max(...reports.map(({ longestMs }) => longestMs)),
    events,
    commands: sum(reports.map(({ commands }) => commands)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
