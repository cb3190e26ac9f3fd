import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expiryMarginMs, fromMoov, type ObtainedToken, Token } from '../../src/tokens/token.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const MINUTE = 60_000;

function reply(lifetimeMs: number, refreshToken?: string): ObtainedToken {
  return fromMoov(
    {
      accessToken: 'a',
      tokenType: 'Bearer',
      lifetimeMs,
      expiresAt: new Date(),
      status: 200,
      ...(refreshToken === undefined ? {} : { refreshToken }),
    },
    performance.now(),
  );
}

describe('a token from Moov', () => {
  it('is not used in its last 5 s, or in 5 % of its lifetime if that is less', () => {
    expect(expiryMarginMs(60 * MINUTE)).toBe(5_000);
    expect(expiryMarginMs(2_000)).toBe(100);
    const token = new Token(reply(MINUTE * 10), 1);
    vi.advanceTimersByTime(MINUTE * 10 - 5_001);
    expect(token.isExpired).toBe(false);
    vi.advanceTimersByTime(1);
    expect(token.isExpired).toBe(true);
  });

  it.each([
    [0, 0.75],
    [0.5, 0.8],
    [0.999_999, 0.85],
  ])('ages where the draw %d puts it: at %d of its life', (draw, share) => {
    vi.spyOn(Math, 'random').mockReturnValue(draw);
    const token = new Token(reply(100_000), 1);
    expect(token.renewInMs).toBeCloseTo(100_000 * share, 0);
    vi.advanceTimersByTime(100_000 * share - 2);
    expect(token.shouldRenew).toBe(false);
    vi.advanceTimersByTime(4);
    expect(token.shouldRenew).toBe(true);
  });

  it('knows when it expires, and keeps its secret', () => {
    const token = new Token(reply(MINUTE, 'r'), 7);
    expect(token.expiresAt).toEqual(new Date(Date.now() + MINUTE));
    expect([token.accessToken(), token.refreshToken(), token.generation]).toEqual(['a', 'r', 7]);
    expect(new Token(reply(MINUTE), 1).refreshToken()).toBeUndefined();
  });
});

describe('a token from the store', () => {
  const stored = (leftMs: number): ObtainedToken => ({
    accessToken: 'a',
    lifeMs: 100_000,
    leftMs,
    renewAtLeftMs: 20_000,
    from: 'store',
  });

  it('is due for renewal after that of its first holder, by up to 2 % of its lifetime', () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(new Token(stored(70_000), 1).renewInMs).toBe(50_000);
    random.mockReturnValue(0.5);
    expect(new Token(stored(70_000), 1).renewInMs).toBe(51_000);
  });

  it('is due for renewal already if less lifetime is left', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const token = new Token(stored(10_000), 1);
    expect([token.renewInMs, token.shouldRenew, token.isExpired]).toEqual([0, true, false]);
  });

  it('uses its whole lifetime to compute the margin before expiry', () => {
    const token = new Token(stored(6_000), 1);
    vi.advanceTimersByTime(999);
    expect(token.isExpired).toBe(false);
    vi.advanceTimersByTime(2);
    expect(token.isExpired).toBe(true);
    expect(token.expiresAt.getTime() - Date.now()).toBe(4_999);
  });
});
