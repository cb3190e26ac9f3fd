import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type {
  StoredToken,
  TokenGeneration,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../../src/index.js';
import { until } from '../helpers/moov.js';

/** Two stores that share their state, as two processes have them, whose locks live this long. */
export type MakeStores = (lockTtlMs: number) => Promise<readonly [TokenStore, TokenStore]>;

const MINUTE = 60_000;
const SHORT = 150;

function token(name = randomUUID()): StoredToken {
  return {
    accessToken: `access-${name}`,
    refreshToken: `refresh-${name}`,
    scope: '/accounts.read /ping.read',
    lifeMs: 2 * MINUTE,
    renewAtLeftMs: MINUTE / 2,
  };
}

/** The lock of an answer; fails the test when it is none. */
function lockIn(answer: TokenStoreAnswer): TokenLock {
  if (answer.state !== 'locked') throw new Error(`expected a lock, got ${answer.state}`);
  return answer.lock;
}

function tokenIn(answer: TokenStoreAnswer): Extract<TokenStoreAnswer, { state: 'token' }> {
  if (answer.state !== 'token') throw new Error(`expected a token, got ${answer.state}`);
  return answer;
}

async function lock(store: TokenStore, key: string, known?: TokenGeneration): Promise<TokenLock> {
  return lockIn(await store.acquire(key, known));
}

/** Stores a token as its obtainer does. */
async function store(
  by: TokenStore,
  key: string,
  { known, leftMs = MINUTE, value = token() }: { known?: string; leftMs?: number; value?: StoredToken } = {},
): Promise<{ value: StoredToken; generation: TokenGeneration }> {
  const generation = await by.put(await lock(by, key, known), value, leftMs);
  if (typeof generation !== 'string') throw new Error('the put was refused');
  return { value, generation };
}

/** The lock, as soon as it is free. */
async function nextLock(by: TokenStore, key: string, known?: TokenGeneration): Promise<TokenLock> {
  for (;;) {
    const answer = await by.acquire(key, known);
    if (answer.state !== 'held') return lockIn(answer);
    await delay(5);
  }
}

function changesOf(watched: TokenStore): TokenStoreChange[] {
  const changes: TokenStoreChange[] = [];
  onTestFinished(watched.watch((change) => changes.push({ ...change })));
  return changes;
}

/** Everything that {@link TokenStore} promises. A store of your own passes these tests, or fleets lose tokens by it. */
export function tokenStoreContract(name: string, make: MakeStores): void {
  describe(`the contract of a token store: ${name}`, () => {
    describe('acquire', () => {
      it('grants the lock if there is no token, and answers "held" to all others, with the remaining time', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        expect(held).toMatchObject({ key: 'k', id: expect.any(String), generation: expect.any(String) });
        for (const who of [one, other]) {
          const answer = await who.acquire('k', undefined);
          if (answer.state !== 'held') throw new Error(answer.state);
          expect(answer.leftMs).toBeGreaterThan(MINUTE - 10_000);
          expect(answer.leftMs).toBeLessThanOrEqual(MINUTE);
        }
      });

      it('returns the whole token to everybody after it was put', async () => {
        const [one, other] = await make(MINUTE);
        const { value, generation } = await store(one, 'k');
        for (const who of [one, other]) {
          const answer = tokenIn(await who.acquire('k', undefined));
          expect(answer.token).toEqual(value);
          expect(answer.generation).toBe(generation);
        }
      });

      it('keeps a token that has no refresh token and no scope', async () => {
        const [one, other] = await make(MINUTE);
        const value = { accessToken: 'a', lifeMs: MINUTE, renewAtLeftMs: 0 };
        await store(one, 'k', { value });
        expect(tokenIn(await other.acquire('k', undefined)).token).toEqual(value);
      });

      it('grants the lock instead of returning the known generation', async () => {
        const [one, other] = await make(MINUTE);
        const { generation } = await store(one, 'k');
        const held = await lock(other, 'k', generation);
        expect(held.generation).toBe(generation);
        expect((await one.acquire('k', generation)).state).toBe('held');
        // Whoever does not know it can use it meanwhile.
        expect((await one.acquire('k', undefined)).state).toBe('token');
      });

      it('returns a newer token, and one of an unknown generation', async () => {
        const [one, other] = await make(MINUTE);
        const first = await store(one, 'k');
        const second = await store(one, 'k', { known: first.generation });
        expect(second.generation).not.toBe(first.generation);
        for (const known of [first.generation, 'never heard of', '']) {
          expect(tokenIn(await other.acquire('k', known)).token).toEqual(second.value);
        }
      });

      it('grants one lock to 200 concurrent callers', async () => {
        const [one, other] = await make(MINUTE);
        const asked = Array.from({ length: 200 }, (_, i) => (i % 2 ? one : other).acquire('k', undefined));
        const states = (await Promise.all(asked)).map(({ state }) => state);
        expect(states.filter((state) => state === 'locked')).toHaveLength(1);
        expect(states.filter((state) => state === 'held')).toHaveLength(199);
      });
    });

    describe('a lock', () => {
      it('ends with put', async () => {
        const [one, other] = await make(MINUTE);
        const { generation } = await store(one, 'k');
        expect((await other.acquire('k', generation)).state).toBe('locked');
      });

      it('ends with release, without a token', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        await one.release(held);
        const next = await lock(other, 'k');
        expect(next.id).not.toBe(held.id);
      });

      it('expires in time, and not before', async () => {
        const [one, other] = await make(SHORT);
        const asked = performance.now();
        await lock(one, 'k');
        const given = performance.now();
        await nextLock(other, 'k');
        expect(performance.now() - asked).toBeGreaterThan(SHORT - 5);
        expect(performance.now() - given).toBeLessThan(SHORT + 5_000);
      });

      it('of another holder is not released', async () => {
        const [one, other] = await make(1_000);
        const old = await lock(one, 'k');
        const held = await nextLock(other, 'k');
        await one.release(old);
        expect(held.id).not.toBe(old.id);
        expect((await one.acquire('k', undefined)).state).toBe('held');
      });

      it('can be released twice, and after a revocation, without harm', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        await one.release(held);
        await one.release(held);
        await one.revoke('k');
        const next = await lock(other, 'k');
        await one.release(held);
        expect((await one.acquire('k', undefined)).state).toBe('held');
        expect(await other.put(next, token(), MINUTE)).toEqual(expect.any(String));
      });
    });

    describe('put', () => {
      it('is refused after a revocation, and leaves nothing', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        await other.revoke('k');
        expect(await one.put(held, token(), MINUTE)).toBeUndefined();
        expect((await other.acquire('k', undefined)).state).toBe('locked');
      });

      it('is refused after a revocation also if another holder has the lock, which stays', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        await other.revoke('k');
        const next = await lock(other, 'k');
        expect(await one.put(held, token(), MINUTE)).toBeUndefined();
        expect((await one.acquire('k', undefined)).state).toBe('held');
        const value = token();
        expect(await other.put(next, value, MINUTE)).toEqual(expect.any(String));
        expect(tokenIn(await one.acquire('k', undefined)).token).toEqual(value);
      });

      it('is refused if the lock has expired and a later holder has put', async () => {
        const [one, other] = await make(SHORT);
        const late = await lock(one, 'k');
        const value = token();
        expect(await other.put(await nextLock(other, 'k'), value, MINUTE)).toEqual(expect.any(String));
        expect(await one.put(late, token(), MINUTE)).toBeUndefined();
        expect(tokenIn(await one.acquire('k', undefined)).token).toEqual(value);
      });

      it('succeeds if the lock has expired and nobody else has put', async () => {
        const [one, other] = await make(SHORT);
        const late = await lock(one, 'k');
        await delay(2 * SHORT);
        const value = token();
        expect(await one.put(late, value, MINUTE)).toEqual(expect.any(String));
        expect(tokenIn(await other.acquire('k', undefined)).token).toEqual(value);
      });

      it('of two holders, after the first lock expired, succeeds only for the first to put', async () => {
        const [one, other] = await make(SHORT);
        const late = await lock(one, 'k');
        const later = await nextLock(other, 'k');
        const value = token();
        expect(await one.put(late, value, MINUTE)).toEqual(expect.any(String));
        expect(await other.put(later, token(), MINUTE)).toBeUndefined();
        expect(tokenIn(await other.acquire('k', undefined)).token).toEqual(value);
      });

      it('with one lock succeeds once', async () => {
        const [one, other] = await make(MINUTE);
        const held = await lock(one, 'k');
        const value = token();
        expect(await one.put(held, value, MINUTE)).toEqual(expect.any(String));
        expect(await one.put(held, token(), MINUTE)).toBeUndefined();
        expect(tokenIn(await other.acquire('k', undefined)).token).toEqual(value);
      });

      it('returns a new generation each time, also after revocations', async () => {
        const [one, other] = await make(MINUTE);
        const generations = new Set<string>();
        let known: string | undefined;
        for (let i = 0; i < 6; i++) {
          const by = i % 2 ? one : other;
          ({ generation: known } = await store(by, 'k', known === undefined ? {} : { known }));
          generations.add(known);
          if (i === 3) await by.revoke('k');
        }
        expect(generations.size).toBe(6);
      });
    });

    describe('a token', () => {
      it('has less lifetime left over time, and is gone when it expires', async () => {
        const [one, other] = await make(MINUTE);
        const put = performance.now();
        const { generation } = await store(one, 'k', { leftMs: 1_500 });
        const first = tokenIn(await other.acquire('k', undefined)).leftMs;
        await delay(50);
        const second = tokenIn(await other.acquire('k', undefined)).leftMs;
        expect(first).toBeLessThanOrEqual(1_500);
        // Both clocks count in milliseconds, and each may round.
        expect(first - second).toBeGreaterThan(45);
        let answer = await other.acquire('k', undefined);
        for (; answer.state === 'token'; answer = await other.acquire('k', undefined)) await delay(5);
        expect(performance.now() - put).toBeGreaterThan(1_495);
        // Its generation stays: who puts next has the lock of that generation.
        expect(lockIn(answer).generation).toBe(generation);
      });

      it('with a lifetime below a millisecond is put, and soon gone', async () => {
        const [one] = await make(MINUTE);
        const { generation } = await store(one, 'k', { leftMs: 0.25 });
        await delay(20);
        expect((await one.acquire('k', generation)).state).toBe('locked');
      });
    });

    describe('revoke', () => {
      it('removes the token for everybody, and returns it', async () => {
        const [one, other] = await make(MINUTE);
        const { value } = await store(one, 'k');
        expect(await other.revoke('k')).toEqual(value);
        expect(await one.revoke('k')).toBeUndefined();
        expect((await one.acquire('k', undefined)).state).toBe('locked');
      });

      it('increments the generation also for a key that has only a lock', async () => {
        const [one, other] = await make(MINUTE);
        const late = await lock(one, 'k');
        await other.revoke('k');
        await other.revoke('k');
        expect((await lock(other, 'k')).generation).not.toBe(late.generation);
        expect(await one.put(late, token(), MINUTE)).toBeUndefined();
      });

      it('ends the lock', async () => {
        const [one, other] = await make(MINUTE);
        await lock(one, 'k');
        expect(await other.revoke('k')).toBeUndefined();
        expect((await other.acquire('k', undefined)).state).toBe('locked');
      });

      it('of an unknown key returns nothing', async () => {
        const [one] = await make(MINUTE);
        expect(await one.revoke('k')).toBeUndefined();
      });
    });

    describe('watch', () => {
      it('notifies both listeners of what is stored, released and revoked, in order', async () => {
        const [one, other] = await make(MINUTE);
        const told = [changesOf(one), changesOf(other), changesOf(one)];
        await subscribed([one, other], told);
        const { generation } = await store(one, 'a');
        await other.release(await lock(other, 'a', generation));
        await other.revoke('a');
        await store(other, 'b');
        const expected = [
          { key: 'a', kind: 'stored' },
          { key: 'a', kind: 'released' },
          { key: 'a', kind: 'revoked' },
          { key: 'b', kind: 'stored' },
        ];
        for (const changes of told) {
          await until(() => changes.filter(({ key }) => key !== 'probe').length >= 4, 'all is told');
          expect(changes.filter(({ key }) => key !== 'probe')).toEqual(expected);
        }
      });

      it('does not notify of refused operations', async () => {
        const [one, other] = await make(MINUTE);
        const changes = changesOf(other);
        await subscribed([one, other], [changes]);
        const held = await lock(one, 'a');
        await one.revoke('a');
        await one.put(held, token(), MINUTE);
        await one.release(held);
        await one.revoke('end');
        await until(() => changes.some(({ key }) => key === 'end'), 'the end is told');
        expect(changes.filter(({ key }) => key === 'a')).toEqual([{ key: 'a', kind: 'revoked' }]);
      });

      it('ends for one listener with the returned function, also when that is called twice', async () => {
        const [one, other] = await make(MINUTE);
        const ended: TokenStoreChange[] = [];
        const listener = (change: TokenStoreChange) => void ended.push(change);
        const ends = [one.watch(listener), one.watch(listener)];
        const going = changesOf(one);
        await subscribed([one, other], [going]);
        for (const end of [...ends, ...ends]) end();
        ended.length = 0;
        await other.revoke('k');
        await until(() => going.some(({ key }) => key === 'k'), 'the other listener is told');
        expect(ended).toEqual([]);
        const again = changesOf(one);
        await subscribed([one, other], [again]);
      });
    });

    it('keeps many keys apart', async () => {
      const [one, other] = await make(MINUTE);
      const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
      const stored = await Promise.all(keys.map((key, i) => store(i % 2 ? one : other, key)));
      await one.revoke('key-50');
      await lock(one, 'key-51', stored[51]?.generation);
      const answers = await Promise.all(keys.map((key) => other.acquire(key, undefined)));
      answers.forEach((answer, i) => {
        if (i === 50) expect(answer.state).toBe('locked');
        else expect(tokenIn(answer).token).toEqual(stored[i]?.value);
      });
    });

    it('states the lifetime of its locks', async () => {
      for (const { lockTtlMs } of await make(1_234)) expect(lockTtlMs).toBe(1_234);
    });
  });
}

/** Waits until every list of changes is told of something: a store may need a moment to begin. */
async function subscribed(
  [one]: readonly TokenStore[],
  told: readonly (readonly TokenStoreChange[])[],
): Promise<void> {
  const end = performance.now() + 10_000;
  while (told.some((changes) => changes.length === 0)) {
    if (performance.now() > end) throw new Error('nothing is told');
    await one?.revoke('probe');
    await delay(5);
  }
}
