import { Upstream, Worker } from './processes.js';
import { progress } from './progress.js';
import { table } from './statistics.js';
import type { Task } from './worker.js';

const CALLS = 1_000;

/** Those that hold tokens. All ways of this package share them, so one is enough. */
const holders = [
  'req.moov (undici)',
  'axios + axios-oauth-client + axios-auth-refresh',
  '@badgateway/oauth2-client',
];

export interface Storm {
  contestant: string;
  firstCalls: { tokenRequests: number; failures: number };
  afterRevocation: { tokenRequests: number; failures: number };
  /** A call whose 401 arrives after another call's 401 has been answered with a new token. */
  lateUnauthorized: { tokenRequests: number; failures: number };
}

/** 1,000 calls at once before there is a token, 1,000 after it was revoked, and a 401 that comes late. */
export async function storms(): Promise<{ results: Storm[]; text: string }> {
  const results: Storm[] = [];
  for (const contestant of holders) {
    progress(contestant);
    const upstream = await Upstream.start();
    const worker = await Worker.start(contestant, upstream.url);
    const storm = async (task: Task = { burst: CALLS }) => {
      const before = await upstream.order('counts');
      const { failures } = await worker.perform(task);
      const after = await upstream.order('counts');
      return { tokenRequests: after.tokenRequests - before.tokenRequests, failures };
    };
    // Those that ask for a token when they are made have done so by now, and have it counted.
    const atStart = await upstream.order('counts');
    const first = await storm();
    await upstream.order('revoke');
    const afterRevocation = await storm();
    await upstream.order('late');
    const lateUnauthorized = await storm({ thenAfter: 100 });
    results.push({
      contestant,
      firstCalls: { ...first, tokenRequests: first.tokenRequests + atStart.tokenRequests },
      afterRevocation,
      lateUnauthorized,
    });
    worker.stop();
  }
  const rows = results.map(({ contestant, firstCalls, afterRevocation, lateUnauthorized }) => [
    contestant,
    ...[firstCalls, afterRevocation, lateUnauthorized].map(
      (run) => `${run.tokenRequests} token requests, ${run.failures} failed`,
    ),
  ]);
  return {
    results,
    text: table(['', '1,000 first calls', '1,000 calls on a revoked token', 'a late 401'], rows),
  };
}
