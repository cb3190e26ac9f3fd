import { contestants } from './contestants.js';
import { Upstream, Worker } from './processes.js';
import { table } from './statistics.js';

const CALLS = 1_000;

export interface Storm {
  contestant: string;
  firstCalls: { tokenRequests: number; failures: number };
  afterRevocation: { tokenRequests: number; failures: number };
}

/** 1,000 calls at once before there is a token, and 1,000 after it was revoked. */
export async function storms(): Promise<{ results: Storm[]; text: string }> {
  const results: Storm[] = [];
  const withTokens = Object.keys(contestants).filter((name) => !/bare|global|undici\.request/.test(name));
  for (const contestant of withTokens) {
    const upstream = await Upstream.start();
    const worker = await Worker.start(contestant, upstream.url);
    const storm = async () => {
      const before = await upstream.order('counts');
      const { failures } = await worker.perform({ burst: CALLS });
      const after = await upstream.order('counts');
      return { tokenRequests: after.tokenRequests - before.tokenRequests, failures };
    };
    // Those that ask for a token when they are made have done so by now, and have it counted.
    const atStart = await upstream.order('counts');
    const first = await storm();
    await upstream.order('revoke');
    const afterRevocation = await storm();
    results.push({
      contestant,
      firstCalls: { ...first, tokenRequests: first.tokenRequests + atStart.tokenRequests },
      afterRevocation,
    });
    worker.stop();
  }
  const rows = results.map(({ contestant, firstCalls, afterRevocation }) => [
    contestant,
    ...[firstCalls, afterRevocation].map(
      (run) => `${run.tokenRequests} token requests, ${run.failures} failed`,
    ),
  ]);
  return { results, text: table(['', '1,000 first calls', '1,000 calls on a revoked token'], rows) };
}
