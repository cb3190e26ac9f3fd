import { describe, expect, it } from 'vitest';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { type FleetResult, type FleetRun, runFleet } from './fleet.js';
import { members } from './protocol.js';

// `npm run fleet` takes the 60 s that its figures are for.
const seconds = Number(process.env.FLEET_SECONDS ?? 8);
const timeout = seconds * 1_000 + 180_000;

/** Of tokens of 3 s, at the latest. */
const RENEWAL_EVERY_MS = 2_400;

/**
 * A fleet makes as many token requests as one process alone in the same time. Both count from some moment between two
 * renewals, which is one more or less; and a process that found no store, be it that the machine was too busy for its
 * 250 ms, obtains one of its own. One fewer is the price of eight that share two cores: each renewal takes a little longer.
 *
 * @param pauseMs - For how long nobody can renew.
 */
function expectAsOfOne(fleet: FleetResult, alone: FleetResult, pauseMs = 0): void {
  expect(fleet.failures).toEqual([]);
  const more = 1 + (fleet.events['store.unavailable'] ?? 0);
  expect(fleet.tokenRequests).toBeLessThanOrEqual(alone.tokenRequests + more);
  const fewer = 2 + Math.ceil(pauseMs / RENEWAL_EVERY_MS);
  expect(fleet.tokenRequests).toBeGreaterThanOrEqual(alone.tokenRequests - fewer);
}

function tell(name: string, fleet: FleetResult, alone: FleetResult): void {
  const { tokenRequests, calls, failures, longestMs, commands, events } = fleet;
  console.log(
    `fleet, ${name}: ${tokenRequests} token requests in ${seconds} s (one process alone ${alone.tokenRequests}), ` +
      `${calls} calls, ${failures.length} failed, longest ${Math.round(longestMs)} ms, ${commands} Redis commands ` +
      `(${((commands / calls) * 1_000).toFixed(1)} per 1,000 calls), store.unavailable ${events['store.unavailable'] ?? 0}`,
  );
}

describe.skipIf(redisIsMissing)(`eight processes, calls for ${seconds} s, tokens of 3 s`, { timeout }, () => {
  it('make as many token requests as one process; without the store each makes its own', async () => {
    const redis = await RedisServer.start();
    const [fleet, alone, without] = await Promise.all([
      runFleet({ seconds, redis }),
      runFleet({ seconds, redis, processes: 1, shares: false }),
      runFleet({ seconds, redis, shares: false }),
    ]);
    tell('undisturbed', fleet, alone);
    tell('without the store', without, alone);
    expectAsOfOne(fleet, alone);
    expect(without.tokenRequests).toBeGreaterThanOrEqual(8 * (alone.tokenRequests - 1));
    expect(fleet.calls).toBeGreaterThan(8 * seconds * 5);
    // A renewal costs each process one command, the one that renews two, and those that come in between a few looks.
    expect(fleet.commands).toBeLessThan(8 * 8 * (fleet.tokenRequests + 2));
  });

  it('survive a Redis that is killed and restarted', async () => {
    const redis = await RedisServer.start();
    const { fleet, alone } = await disturbed(redis, 'Redis killed and restarted', async () => {
      await redis.kill();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await redis.begin();
    });
    expect(fleet.failures).toEqual([]);
    // While it was away each process renewed for itself, once or, with the time to find it again, twice.
    expect(fleet.tokenRequests).toBeLessThanOrEqual(alone.tokenRequests + 1 + 2 * 8);
    expect(fleet.longestMs).toBeLessThan(9_000);
  });

  it('survive the death of the one that holds the lock', async () => {
    const redis = await RedisServer.start();
    let killed = 0;
    const delayMs = 1_000;
    const { fleet, alone } = await disturbed(redis, 'a holder killed', async ({ sandbox, members }) => {
      sandbox.fail({ path: '/oauth2/token', delayMs });
      await new Promise<void>((resolve) => {
        for (const member of members) {
          member.onMinting = () => {
            if (killed++ > 0) return;
            member.kill();
            resolve();
          };
        }
      });
    });
    expect(killed).toBeGreaterThan(0);
    expectAsOfOne(fleet, alone, members.lockTtlMs + delayMs);
    expect(fleet.longestMs).toBeLessThan(members.lockTtlMs + 8_000);
  });

  it('are not affected by a clock that is an hour ahead', async () => {
    const redis = await RedisServer.start();
    const [fleet, alone] = await Promise.all([
      runFleet({ seconds, redis, preloadOfFirst: new URL('shifted-clock.ts', import.meta.url).href }),
      runFleet({ seconds, redis, processes: 1, shares: false }),
    ]);
    tell('a clock shifted', fleet, alone);
    expectAsOfOne(fleet, alone);
  });

  it('all hear of a revocation by one', async () => {
    const redis = await RedisServer.start();
    let revoked = 0;
    const { fleet, alone } = await disturbed(
      redis,
      'a revocation',
      async ({ members: [first], sandbox }) => {
        first?.order('revoke');
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        revoked = sandbox.stats.tokensRevoked;
      },
      true,
    );
    expect(revoked).toBeGreaterThan(0);
    expectAsOfOne(fleet, alone);
  });

  async function disturbed(
    redis: RedisServer,
    name: string,
    disturb: (run: FleetRun) => Promise<void>,
    both = false,
  ): Promise<{ fleet: FleetResult; alone: FleetResult }> {
    const [fleet, alone] = await Promise.all([
      runFleet({ seconds, redis, disturb }),
      runFleet({ seconds, redis, processes: 1, shares: false, ...(both ? { disturb } : {}) }),
    ]);
    tell(name, fleet, alone);
    return { fleet, alone };
  }
});
