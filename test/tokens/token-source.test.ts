import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MoovTokenError, MoovUnavailableError } from '../../src/errors.js';
import type { MoovAuthEvent } from '../../src/events.js';
import { fromMoov, type ObtainedToken } from '../../src/tokens/token.js';
import type { TokenRequest } from '../../src/tokens/token-provider.js';
import { TokenSource } from '../../src/tokens/token-source.js';
import { Timers } from '../../src/utils/timers.js';

function sourceOf(
  obtain: TokenRequest,
  emit: (event: MoovAuthEvent) => void,
  giveBack: (token: ObtainedToken) => void,
  keepWarm = true,
): TokenSource {
  const outside = new AsyncResource('test');
  return new TokenSource({
    obtain,
    scope: '/ping.read',
    emit,
    revoke: giveBack,
    retire: () => undefined,
    nextGeneration: counter(),
    outside,
    timers: new Timers(),
    autoRenew: keepWarm,
  });
}

/** Mints tokens `t1`, `t2`, ... of a given life, or fails; the requests for them are counted. */
function createSource(lifetimeMs = 3_600_000) {
  const events: MoovAuthEvent[] = [];
  const givenBack: ObtainedToken[] = [];
  const state = { requests: 0, failWith: undefined as Error | undefined, lifetimeMs };
  const source = sourceOf(
    async () => {
      state.requests++;
      const accessToken = `t${state.requests}`;
      if (state.failWith !== undefined) throw state.failWith;
      return fromMoov(
        {
          accessToken,
          tokenType: 'Bearer',
          lifetimeMs: state.lifetimeMs,
          expiresAt: new Date(Date.now() + state.lifetimeMs),
          status: 200,
        },
        performance.now(),
      );
    },
    (event) => events.push(event),
    (token) => givenBack.push(token),
  );
  return { source, state, events, givenBack };
}

const down = new MoovUnavailableError('down', { code: 'ERR_MOOV_NETWORK' });
const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets pending promises settle without moving the clock. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** Numbers tokens from 1. */
function counter(): () => number {
  let count = 0;
  return () => ++count;
}

describe('the lifetime of a token', () => {
  it('renews the token in the background when it is about to expire, while the old token is still used', async () => {
    const { source, state } = createSource(HOUR);
    expect((await source.get()).accessToken()).toBe('t1');
    await vi.advanceTimersByTimeAsync(HOUR * 0.74);
    expect(state.requests).toBe(1);
    await vi.advanceTimersByTimeAsync(HOUR * 0.12);
    expect(state.requests).toBe(2);
    expect(source.get()).toMatchObject({ generation: 2 });
    source.close();
  });

  it('returns a token that is due for renewal at once, and renews it in the background', async () => {
    const { source, state } = createSource(HOUR);
    await source.get();
    vi.setSystemTime(Date.now() + HOUR * 0.9);
    expect(source.get()).toMatchObject({ generation: 1 });
    expect(state.requests).toBe(2);
    await settle();
    expect(source.get()).toMatchObject({ generation: 2 });
    source.close();
  });

  it('ends by the wall clock after the machine was suspended', async () => {
    const { source, state } = createSource(HOUR);
    await source.get();
    vi.setSystemTime(Date.now() + 8 * HOUR);
    const token = source.get();
    expect(token).toBeInstanceOf(Promise);
    expect((await token).accessToken()).toBe('t2');
    expect(state.requests).toBe(2);
    source.close();
  });

  it('is not affected when the wall clock is set back', async () => {
    const { source, state } = createSource(HOUR);
    await source.get();
    vi.setSystemTime(Date.now() - 24 * HOUR);
    expect(source.get()).toMatchObject({ generation: 1 });
    await vi.advanceTimersByTimeAsync(HOUR);
    // The monotonic clock has not been fooled: an hour is over, and the token was renewed on time.
    expect(source.get()).toMatchObject({ generation: 2 });
    expect(state.requests).toBe(2);
    source.close();
  });

  it('causes one renewal, not a series, when the wall clock is set forward', async () => {
    const { source, state } = createSource(HOUR);
    await source.get();
    vi.setSystemTime(Date.now() + 24 * HOUR);
    await source.get();
    await vi.advanceTimersByTimeAsync(HOUR * 0.7);
    await source.get();
    expect(state.requests).toBe(2);
    source.close();
  });

  it('does not renew continuously when it exceeds the longest timer', async () => {
    const { source, state } = createSource(5 * 365 * 24 * HOUR);
    await source.get();
    await vi.advanceTimersByTimeAsync(24 * HOUR);
    expect(state.requests).toBe(1);
    source.close();
  });

  it('does not renew continuously when it is very short', async () => {
    const { source, state } = createSource(2_000);
    await source.get();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(state.requests).toBeGreaterThanOrEqual(11);
    expect(state.requests).toBeLessThanOrEqual(15);
    source.close();
  });
});

describe('a renewal', () => {
  it('is shared by all callers while it is in flight', async () => {
    const { source, state } = createSource();
    const taken = await Promise.all([
      source.get(),
      source.get(),
      source.renew(),
      source.ready(),
      source.get(),
    ]);
    expect(state.requests).toBe(1);
    expect(taken[0]).toBe(taken[1]);
    source.close();
  });

  it('runs outside the asynchronous context of the call that began it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: (string | undefined)[] = [];
    const source = sourceOf(
      async () => {
        contexts.push(storage.getStore());
        await Promise.resolve();
        contexts.push(storage.getStore());
        return fromMoov(
          {
            accessToken: 't',
            tokenType: 'Bearer',
            lifetimeMs: HOUR,
            expiresAt: new Date(),
            status: 200,
          },
          performance.now(),
        );
      },
      () => contexts.push(storage.getStore()),
      () => undefined,
    );
    await storage.run('a request', () => source.get());
    await vi.advanceTimersByTimeAsync(HOUR * 0.9);
    expect(contexts.length).toBeGreaterThanOrEqual(4);
    expect(contexts.every((context) => context === undefined)).toBe(true);
    source.close();
  });

  it('caused by a 401 is not repeated for a 401 of an older token', async () => {
    const { source, state } = createSource();
    const { generation } = await source.get();
    await source.tokenAfter401(generation)?.token;
    expect(await source.tokenAfter401(generation)?.token).toMatchObject({ generation: 2 });
    expect(state.requests).toBe(2);
    source.close();
  });
});

describe('a revocation', () => {
  it('stops using the token, and the next call requests another', async () => {
    const { source, state } = createSource();
    const first = await source.get();
    expect(source.invalidate().token).toBe(first);
    expect(source.held).toBeUndefined();
    expect((await source.get()).accessToken()).toBe('t2');
    expect(state.requests).toBe(2);
    source.close();
  });

  it('leaves no timer that would request a token nobody needs', async () => {
    const { source, state } = createSource(HOUR);
    await source.get();
    source.invalidate();
    await vi.advanceTimersByTimeAsync(10 * HOUR);
    expect(state.requests).toBe(1);
    source.close();
  });

  it('lets a renewal in flight finish, revokes its token, and never uses it', async () => {
    const { source, state, givenBack } = createSource();
    const waiting = source.get();
    const { token, renewals } = source.invalidate();
    expect(token).toBeUndefined();
    await Promise.all(renewals);
    expect(givenBack.map(({ accessToken }) => accessToken)).toEqual(['t1']);
    expect((await waiting).accessToken()).toBe('t2');
    expect(state.requests).toBe(2);
    source.close();
  });
});

describe('when no token is available', () => {
  it('waiting calls reject, and later calls reject at once, with the time to the next retry', async () => {
    const { source, state } = createSource();
    state.failWith = down;
    await expect(source.get()).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '2' } });
    await expect(source.get()).rejects.toBeInstanceOf(MoovUnavailableError);
    expect(state.requests).toBe(1);
    source.close();
  });

  it('retries one request at a time after 1, 2, 4, 8, 15, 15 ... seconds, and recovers automatically', async () => {
    const { source, state, events } = createSource();
    state.failWith = down;
    source.start();
    await settle();
    const at: number[] = [];
    const began = Date.now();
    let seen = state.requests;
    for (let tenths = 0; tenths < 600; tenths++) {
      await vi.advanceTimersByTimeAsync(100);
      if (state.requests !== seen) at.push((Date.now() - began) / 1000);
      seen = state.requests;
    }
    // Each wait is up to a tenth longer than the rule says.
    for (const [index, second] of [1, 3, 7, 15, 30, 45].entries()) {
      expect(at[index]).toBeGreaterThanOrEqual(second);
      expect(at[index]).toBeLessThanOrEqual(second * 1.1 + 0.2);
    }
    state.failWith = undefined;
    await vi.advanceTimersByTimeAsync(17_000);
    expect(source.get()).toMatchObject({ generation: 1 });
    expect(events.at(-1)).toMatchObject({ type: 'token.obtained' });
    source.close();
  });

  it('refused credentials are retried once a minute', async () => {
    const { source, state } = createSource();
    state.failWith = new MoovTokenError('no', { code: 'ERR_MOOV_CREDENTIALS_REFUSED', upstreamStatus: 401 });
    await expect(source.get()).rejects.toMatchObject({
      status: 502,
      headers: { 'Retry-After': expect.anything() },
    });
    await vi.advanceTimersByTimeAsync(59_000);
    expect(state.requests).toBe(1);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(state.requests).toBe(2);
    source.close();
  });

  it('waits as long as a 429 asks', async () => {
    const { source, state } = createSource();
    state.failWith = new MoovUnavailableError('slow down', {
      code: 'ERR_MOOV_RATE_LIMITED',
      headers: { 'Retry-After': '30' },
    });
    source.start();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(state.requests).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(state.requests).toBe(2);
    source.close();
  });

  it('no call fails while the old token is valid', async () => {
    const { source, state, events } = createSource(HOUR);
    await source.get();
    state.failWith = down;
    await vi.advanceTimersByTimeAsync(HOUR * 0.94);
    expect(source.get()).toMatchObject({ generation: 1 });
    expect(events.some((event) => event.type === 'token.failed' && event.tokenHeld)).toBe(true);
    await vi.advanceTimersByTimeAsync(HOUR * 0.06);
    await expect(source.get()).rejects.toMatchObject({ status: 503 });
    state.failWith = undefined;
    await vi.advanceTimersByTimeAsync(17_000);
    expect(source.get()).toMatchObject({ generation: 2 });
    source.close();
  });

  it('ready() rejects with the first outcome, and a new ready() awaits the next', async () => {
    const { source, state } = createSource();
    state.failWith = down;
    const first = source.ready();
    await expect(first).rejects.toBeInstanceOf(MoovUnavailableError);
    state.failWith = undefined;
    const second = source.ready();
    await vi.advanceTimersByTimeAsync(1_200);
    await expect(second).resolves.toBeUndefined();
    expect(state.requests).toBe(2);
    source.close();
  });

  it('each caller gets its own error', async () => {
    const { source, state } = createSource();
    state.failWith = down;
    const [one, other] = await Promise.allSettled([source.get(), source.get()]);
    expect(one).toMatchObject({ status: 'rejected', reason: { message: 'No token for Moov: down' } });
    expect(one.status === 'rejected' && other.status === 'rejected' && one.reason !== other.reason).toBe(
      true,
    );
    source.close();
  });
});

describe('close()', () => {
  it('ends requests in flight, and later calls reject with a typed error', async () => {
    const { source } = createSource();
    const waiting = source.ready();
    source.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    await expect(source.get()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    await expect(source.renew()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    expect(vi.getTimerCount()).toBe(0);
  });
});
