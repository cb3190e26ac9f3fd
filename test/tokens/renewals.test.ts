import { AsyncResource } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MoovUnavailableError } from '../../src/errors.js';
import type { MoovAuthEvent } from '../../src/events.js';
import type { ObtainedToken } from '../../src/tokens/token.js';
import type { RenewalContext } from '../../src/tokens/token-provider.js';
import { TokenSource } from '../../src/tokens/token-source.js';
import { Timers } from '../../src/utils/timers.js';

// What a token source asks for, and what it makes of the answers, one by one.

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const HOUR = 3_600_000;

function token(accessToken: string, more: Partial<ObtainedToken> = {}): ObtainedToken {
  const life = { lifeMs: HOUR, leftMs: HOUR, renewAtLeftMs: HOUR / 5 };
  return { accessToken, ...life, from: 'moov', ...more };
}

/** A source whose answers a test gives, in the order in which they are asked for. */
function scripted(keepWarm = true) {
  const wants: RenewalContext[] = [];
  const answers: ((answer: ObtainedToken | Error | undefined) => void)[] = [];
  const events: MoovAuthEvent[] = [];
  const givenBack: string[] = [];
  const source = new TokenSource({
    obtain: (want) =>
      new Promise((resolve, reject) => {
        wants.push(want);
        answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      }),
    scope: '/ping.read',
    emit: (event) => events.push(event),
    revoke: ({ accessToken }) => givenBack.push(accessToken),
    retire: () => undefined,
    nextGeneration: counter(),
    outside: new AsyncResource('test'),
    timers: new Timers(),
    autoRenew: keepWarm,
  });
  const answer = async (given: ObtainedToken | Error | undefined) => {
    answers[wants.length - 1]?.(given);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { source, wants, events, givenBack, answer };
}

const down = new MoovUnavailableError('down', { code: 'ERR_MOOV_NETWORK' });

/** Numbers tokens from 1. */
function counter(): () => number {
  let count = 0;
  return () => ++count;
}

describe('a token request', () => {
  it('has two retries at first, and none when it is a retry itself', async () => {
    const { source, wants, answer } = scripted();
    source.start();
    await answer(down);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(wants.map(({ retries }) => retries)).toEqual([2, 0]);
    await answer(token('a'));
    source.renew();
    expect(wants.at(-1)?.retries).toBe(2);
    await answer(token('b'));
    source.close();
  });

  it('includes the current token and its generation in the store, also after the token was dropped', async () => {
    const { source, wants, answer } = scripted();
    const shared = { key: 'k', generation: '7' };
    source.start();
    expect(wants[0]).toMatchObject({ held: undefined, known: undefined });
    await answer(token('a', { shared }));
    source.renew();
    expect(wants[1]?.held?.accessToken()).toBe('a');
    expect(wants[1]?.known).toEqual(shared);
    await answer(token('b', { shared: { key: 'k', generation: '8' } }));
    source.invalidate();
    source.start();
    expect(wants[2]).toMatchObject({ held: undefined, known: { generation: '8' } });
    await answer(token('c'));
    source.renew();
    // It is not in the store, so that any token there is another one.
    expect(wants[3]?.known).toBeUndefined();
    await answer(token('d'));
    source.close();
  });

  it('is not sent while the token is fresh, and is one renewal when it is due', async () => {
    const { source, wants, answer } = scripted(false);
    source.start();
    await answer(token('a'));
    source.start();
    source.get();
    expect(wants).toHaveLength(1);
    vi.setSystemTime(Date.now() + HOUR * 0.85);
    source.get();
    source.get();
    expect(wants).toHaveLength(2);
    await answer(down);
    // The failure is known, and its probe is not due.
    source.get();
    expect(wants).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_200);
    source.get();
    expect(wants).toHaveLength(3);
    await answer(token('b'));
    source.close();
  });
});

describe('an outcome', () => {
  it('is emitted as obtained, renewed or taken, with its duration', async () => {
    const { source, events, answer } = scripted();
    source.start();
    await vi.advanceTimersByTimeAsync(30);
    await answer(token('a'));
    source.renew();
    await answer(token('b'));
    source.renew();
    await answer(token('c', { from: 'store' }));
    expect(events.map(({ type }) => type)).toEqual(['token.obtained', 'token.renewed', 'token.taken']);
    expect(events[0]).toMatchObject({ durationMs: 30, expiresAt: expect.any(Date) });
    source.close();
  });

  it('that reports whether an older token is still valid', async () => {
    const { source, events, answer } = scripted();
    source.start();
    await answer(down);
    await vi.advanceTimersByTimeAsync(1_200);
    await answer(token('a'));
    source.renew().catch(() => undefined);
    await answer(down);
    const failed = events.filter((event) => event.type === 'token.failed');
    expect(failed.map(({ tokenHeld }) => tokenHeld)).toEqual([false, true]);
    source.close();
  });

  it('that was overtaken is requested again: at once by waiting callers, and by the timer', async () => {
    const { source, wants, answer } = scripted();
    const waiting = source.get();
    await answer(undefined);
    expect(wants).toHaveLength(2);
    await answer(token('a'));
    expect((await waiting).accessToken()).toBe('a');
    vi.setSystemTime(Date.now() + HOUR * 0.9);
    source.get();
    await answer(undefined);
    expect(source.get()).toMatchObject({ generation: 1 });
    await vi.advanceTimersByTimeAsync(1);
    expect(wants).toHaveLength(4);
    await answer(token('b'));
    expect(source.get()).toMatchObject({ generation: 2 });
    source.close();
  });

  it('that was overtaken three times in a row is a failure with a later retry', async () => {
    const { source, wants, events, answer } = scripted();
    const waiting = source.get();
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'ERR_MOOV_ANOTHER_FAILED', status: 503 });
    for (let time = 0; time < 3; time++) await answer(undefined);
    await rejected;
    expect(wants).toHaveLength(3);
    expect(events).toMatchObject([{ type: 'token.failed', code: 'ERR_MOOV_ANOTHER_FAILED' }]);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(wants).toHaveLength(4);
    await answer(token('a'));
    expect(source.get()).toMatchObject({ generation: 1 });
    source.close();
  });

  it('that arrives after a revocation is revoked if it is from Moov, and left alone if it is from the store', async () => {
    for (const [from, back] of [
      ['moov', ['a']],
      ['store', []],
    ] as const) {
      const { source, givenBack, answer } = scripted();
      source.start();
      source.invalidate();
      await answer(token('a', { from }));
      expect(givenBack).toEqual(back);
      expect(source.held).toBeUndefined();
      source.close();
    }
    const { source, givenBack, answer } = scripted();
    source.start();
    source.invalidate();
    await answer(undefined);
    expect(givenBack).toEqual([]);
    source.close();
  });
});

describe('ready()', () => {
  it('resolves if there is a token, and requests another after a revocation overtook the first', async () => {
    const { source, wants, answer } = scripted();
    const ready = source.ready();
    source.invalidate();
    await answer(token('a'));
    expect(wants).toHaveLength(2);
    await answer(token('b'));
    await ready;
    await source.ready();
    expect(wants).toHaveLength(2);
    source.close();
    await expect(source.ready()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
  });

  it('that waits for a retry still settles after a revocation, here or elsewhere', async () => {
    for (const revocation of ['invalidate', 'drop'] as const) {
      const { source, wants, answer } = scripted();
      source.start();
      await answer(down);
      const ready = source.ready();
      source[revocation]();
      await vi.advanceTimersByTimeAsync(1_200);
      expect(wants).toHaveLength(2);
      await answer(token('a'));
      await ready;
      source.close();
    }
  });

  it('after a failure starts no request: it waits for the next retry', async () => {
    const { source, wants, answer } = scripted();
    source.start();
    await answer(down);
    const ready = source.ready();
    expect(wants).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(wants).toHaveLength(2);
    await answer(token('a'));
    await ready;
    source.close();
  });
});

describe('after a 401', () => {
  it('for the current token renews it, for an older token uses the current one, and does nothing in a pause', async () => {
    const { source, wants, answer } = scripted();
    source.start();
    await answer(token('a'));
    expect(source.tokenAfter401(0)).toMatchObject({ kind: 'new', token: { generation: 1 } });
    const replaced = source.tokenAfter401(1)?.token;
    expect(wants).toHaveLength(2);
    await answer(token('b'));
    expect(await replaced).toMatchObject({ generation: 2 });
    source.stillUnauthorized(1);
    expect(source.tokenAfter401(2)?.token).toBeInstanceOf(Promise);
    await answer(token('c'));
    source.stillUnauthorized(3);
    expect(source.tokenAfter401(3)).toBeUndefined();
    // A renewal that is under way for another reason is waited for, pause or not.
    source.renew();
    expect(source.tokenAfter401(3)?.token).toBeInstanceOf(Promise);
    await answer(token('d'));
    expect(wants).toHaveLength(4);
    source.close();
  });

  it('renews after the pause while calls succeed, and after 5 s without a success', async () => {
    const { source, answer } = scripted();
    source.start();
    await answer(token('a'));
    source.stillUnauthorized(1);
    await vi.advanceTimersByTimeAsync(4_000);
    source.accepted(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(source.tokenAfter401(1)?.token).toBeInstanceOf(Promise);
    await answer(token('b'));
    source.stillUnauthorized(2);
    await vi.advanceTimersByTimeAsync(1_000);
    source.accepted(2);
    source.stillUnauthorized(2);
    await vi.advanceTimersByTimeAsync(3_900);
    // Another call showed that the token is good: this one may be repeated with it.
    expect(source.tokenAfter401(2)).toMatchObject({ kind: 'held', token: { generation: 2 } });
    source.close();
  });
});

describe('a call during a retry', () => {
  it('rejects at once; the call that started the retry waits for it', async () => {
    const { source, wants, answer } = scripted(false);
    source.start();
    await answer(down);
    await vi.advanceTimersByTimeAsync(1_200);
    const first = source.get();
    expect(wants).toHaveLength(2);
    await expect(source.get()).rejects.toMatchObject({ status: 503 });
    await answer(token('a'));
    expect((await first).accessToken()).toBe('a');
    source.close();
  });
});

describe('forget()', () => {
  it('drops the token without a new request, and the next call requests one', async () => {
    const { source, wants, answer } = scripted();
    source.start();
    await answer(token('a'));
    source.drop();
    expect(source.held).toBeUndefined();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(wants).toHaveLength(1);
    const next = source.get();
    await answer(token('b'));
    expect((await next).accessToken()).toBe('b');
    source.close();
  });
});

describe('close()', () => {
  it('during a renewal rejects waiting calls as closed, not as a failure of Moov', async () => {
    const { source, wants, events, answer } = scripted();
    const waiting = source.get();
    source.close();
    expect(wants[0]?.signal.aborted).toBe(true);
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    await answer(down);
    await rejected;
    expect(events).toEqual([]);
  });
});
