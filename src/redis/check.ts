import type { Subscription } from './subscription.js';

type Send = (command: readonly string[]) => Promise<unknown>;

/** Tries to publish, and returns the error if there is one. No process reads the message. */
const publish = `
local answer = redis.pcall('PUBLISH', ARGV[1], 'check')
return type(answer) == 'table' and answer.err or ''
`;

/**
 * Finds problems of a Redis that do not fail calls: a user that may not publish or subscribe, and a setting that lets
 * Redis evict tokens.
 *
 * @returns a sentence for each problem, with what to do.
 */
export async function checkRedis(
  send: Send,
  subscription: Subscription,
  prefix: string,
  channel: string,
): Promise<string[]> {
  const [publishing, isRefused, memory] = await Promise.all([
    send(['EVAL', publish, '0', channel]).catch(() => ''),
    subscription.isRefused(),
    send(['INFO', 'memory']).catch(() => ''),
  ]);
  const found: string[] = [];
  const without = `Without it, processes find new tokens by polling, and notice revocations only at Moov's next 401.`;
  const rights = `the rights +publish, +subscribe and &${prefix}*`;
  if (typeof publishing === 'string' && publishing !== '') {
    found.push(`The Redis user may not publish to ${channel}. Give it ${rights}. ${without}`);
  }
  if (isRefused) {
    found.push(`The Redis user may not subscribe to ${channel}. Give it ${rights}. ${without}`);
  }
  const policy = evictionOf(memory);
  if (policy !== undefined) {
    found.push(
      `Redis has the maxmemory-policy "${policy}", so it may evict tokens and locks, and each costs a token request. Set it to noeviction, or use a separate Redis.`,
    );
  }
  return found;
}

/**
 * Returns Redis's eviction policy, if it applies to keys with an expiry, as all keys of the store have; `undefined`
 * without a memory limit.
 */
function evictionOf(info: unknown): string | undefined {
  if (typeof info !== 'string') return undefined;
  const limit = /^maxmemory:(\d+)/m.exec(info)?.[1];
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1];
  return Number(limit) > 0 && policy !== 'noeviction' ? policy : undefined;
}
