import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lifetimeMs } from '../../src/oauth/lifetime.js';

const DAY = 86_400_000;
const UNSTATED = 900_000;
const now = Date.parse('2026-03-01T12:00:00Z');

/** A moment that HTTP dates can tell: whole seconds, 2001-09-09 to 2100. */
const moment = fc.integer({ min: 1_000_000_001, max: 4_102_444_800 });
const roundTripMs = fc.double({ min: 0, max: 30_000, noNaN: true });
const httpDate = (seconds: number) => new Date(seconds * 1000).toUTCString();

describe('expires_in as seconds of life (RFC 6749 section 5.1)', () => {
  test.each([
    [900, 900_000],
    [3600, 3_600_000],
    [0.5, 500],
    [86_400, DAY],
    [86_401, DAY],
    [10 * 365 * 86_400, DAY],
    [999_999_999, DAY],
  ])('%d', (expiresIn, expected) => {
    expect(lifetimeMs({ expiresIn, date: undefined, now, roundTripMs: 0 })).toBe(expected);
  });

  test('does not depend on any clock', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400 }), moment, moment, (expiresIn, local, remote) => {
        const life = lifetimeMs({ expiresIn, date: httpDate(remote), now: local * 1000, roundTripMs: 0 });
        expect(life).toBe(expiresIn * 1000);
      }),
    );
  });

  test('the time on the wire is taken off, and something is always left', () => {
    expect(lifetimeMs({ expiresIn: 60, date: undefined, now, roundTripMs: 1_500 })).toBe(58_500);
    expect(lifetimeMs({ expiresIn: 1, date: undefined, now, roundTripMs: 9_000 })).toBe(1);
  });
});

describe('expires_in as a Unix timestamp (Moov’s reference)', () => {
  test('is relative to the reply’s own Date, however wrong the local clock is', () => {
    fc.assert(
      fc.property(moment, moment, fc.integer({ min: 1, max: 86_400 }), (remote, local, life) => {
        const clues = { expiresIn: remote + life, date: httpDate(remote), now: local * 1000, roundTripMs: 0 };
        expect(lifetimeMs(clues)).toBe(life * 1000);
      }),
    );
  });

  test('without a Date, or with one that can’t be read, the local clock has to do', () => {
    for (const date of [undefined, null, '', 'soon', 17, ['Sun, 01 Mar 2026 12:00:00 GMT']]) {
      const clues = { expiresIn: now / 1000 + 3600, date, now, roundTripMs: 0 };
      expect(lifetimeMs(clues)).toBe(3_600_000);
    }
  });

  test('without a Date a token of the past is a local clock that runs fast', () => {
    expect(lifetimeMs({ expiresIn: now / 1000 - 60, date: undefined, now, roundTripMs: 0 })).toBe(UNSTATED);
  });

  test('with a Date it is expired', () => {
    for (const life of [0, -1, -1_000_000]) {
      const clues = { expiresIn: now / 1000 + life, date: httpDate(now / 1000), now, roundTripMs: 0 };
      expect(lifetimeMs(clues)).toBe('expires_in is a time in the past');
    }
  });

  test.each([1_000_000_000, 1_736_964_352, 9_999_999_999, 99_999_999_999])(
    '%d is one, and years of life are a day',
    (expiresIn) => {
      const date = httpDate(expiresIn - 20 * 365 * 86_400);
      expect(lifetimeMs({ expiresIn, date, now, roundTripMs: 0 })).toBe(DAY);
    },
  );
});

describe('whatever comes', () => {
  test('no expires_in is a quarter of an hour', () => {
    for (const expiresIn of [undefined, null]) {
      expect(lifetimeMs({ expiresIn, date: undefined, now, roundTripMs: 0 })).toBe(UNSTATED);
    }
  });

  test.each([0, -0, -1, -3600, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e11, 1e300])(
    '%d is refused',
    (expiresIn) => {
      expect(lifetimeMs({ expiresIn, date: undefined, now, roundTripMs: 0 })).toMatch(
        /^expires_in is neither/,
      );
    },
  );

  test('the life is a number above 0 and at most a day, or there is a sentence that says why not', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      moment,
      fc.integer({ min: 1, max: 1_000_000_000 }),
    );
    const anyDate = fc.oneof(fc.anything(), fc.string(), moment.map(httpDate), fc.date().map(String));
    const anyNow = moment.map((seconds) => seconds * 1000);
    fc.assert(
      fc.property(anything, anyDate, anyNow, roundTripMs, (expiresIn, date, local, trip) => {
        const life = lifetimeMs({ expiresIn, date, now: local, roundTripMs: trip });
        if (typeof life === 'string') expect(life).toMatch(/^expires_in is /);
        else expect(life > 0 && life <= DAY).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a longer statement never gives a shorter life', () => {
    const seconds = fc.double({ min: 0.001, max: 999_999_999, noNaN: true });
    fc.assert(
      fc.property(seconds, seconds, roundTripMs, (a, b, trip) => {
        const life = (expiresIn: number) =>
          Number(lifetimeMs({ expiresIn, date: undefined, now, roundTripMs: trip }));
        expect(life(Math.min(a, b))).toBeLessThanOrEqual(life(Math.max(a, b)));
      }),
    );
  });
});
