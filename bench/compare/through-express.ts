import { once } from 'node:events';
import autocannon from 'autocannon';
import { startServer, Upstream } from './processes.js';
import { type Summary, shown, summary, table } from './statistics.js';

const CONNECTIONS = 50;
const SECONDS = 1;

export interface ThroughExpress {
  ratio: Summary;
  failures: number;
}

/** Requests a second of an Express route that calls `req.moov.get`, against the same route with bare Axios. */
export async function throughExpress(rounds: number): Promise<{ results: ThroughExpress; text: string }> {
  const upstream = await Upstream.start();
  const urls = new Map<string, string>();
  for (const way of ['bare axios', 'req.moov']) {
    const [{ url }] = await once(startServer(way, upstream.url), 'message');
    urls.set(way, url);
  }
  const ratios: number[] = [];
  let failures = 0;
  for (let round = -1; round < rounds; round++) {
    const rates = new Map<string, number>();
    for (const [way, url] of round % 2 === 0 ? urls : [...urls].reverse()) {
      const { requests, non2xx, errors } = await autocannon({
        url,
        connections: CONNECTIONS,
        duration: SECONDS,
      });
      rates.set(way, requests.average);
      failures += non2xx + errors;
    }
    if (round >= 0) ratios.push((rates.get('req.moov') ?? 0) / (rates.get('bare axios') ?? 0));
  }
  const results = { ratio: summary(ratios), failures };
  const text = table(
    ['', 'ratio to bare axios', 'requests failed'],
    [[`Express route, ${CONNECTIONS} connections`, shown(results.ratio), String(failures)]],
  );
  return { results, text };
}
