import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { httpDate, retryAfterMs } from '../../src/utils/retry-after.js';
import { backoffMs } from '../../src/utils/timers.js';

const DAY = 86_400_000;
const now = Date.parse('2026-03-01T12:00:00Z');
const date = (ms: number) => new Date(ms).toUTCString();

const timeZone = process.env.TZ;
afterEach(() => {
  if (timeZone === undefined) delete process.env.TZ;
  else process.env.TZ = timeZone;
});

describe('how long a response asks to wait', () => {
  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': ' 7 ' }, 7_000],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'x-retry-in': '250' }, 250],
    [{ 'retry-after': date(now + 30_000) }, 30_000],
    [{ 'retry-after': date(now - 30_000) }, 0],
    [{ 'retry-after': '99999999999999999999' }, DAY],
    [{ 'retry-after': '9'.repeat(400) }, DAY],
    [{}, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': '1e3' }, undefined],
    [{ 'retry-after': '0x10' }, undefined],
    [{ 'retry-after': '5s' }, undefined],
    [{ 'retry-after': '5, 6' }, undefined],
    [{ 'retry-after': 'NaN' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '2026' }, 2_026_000],
    [{ 'retry-after': '2026-03-01T12:00:30Z' }, undefined],
    [{ 'retry-after': 'later 1 12:00:00' }, undefined],
    [{ 'retry-after': 'Sun, 31 Feb 2026 12:00:00 PST' }, undefined],
  ])('%j', (headers, expected) => {
    expect(retryAfterMs(headers, now)).toBe(expected);
  });

  test('retry-after-ms wins over Retry-After, which wins over X-Retry-In; invalid values are ignored', () => {
    const all = { 'retry-after-ms': '1', 'retry-after': '2', 'x-retry-in': '3' };
    expect(retryAfterMs(all, now)).toBe(1);
    expect(retryAfterMs({ ...all, 'retry-after-ms': 'x' }, now)).toBe(2_000);
    expect(retryAfterMs({ ...all, 'retry-after-ms': 'x', 'retry-after': 'y' }, now)).toBe(3);
  });

  test('a date is compared with the response’s own Date, however wrong the local clock is', () => {
    const seconds = fc.integer({ min: 0, max: 4_102_444_800 });
    fc.assert(
      fc.property(seconds, seconds, fc.integer({ min: 0, max: 86_400 }), (server, local, wait) => {
        const headers = { 'retry-after': date((server + wait) * 1000), date: date(server * 1000) };
        expect(retryAfterMs(headers, local * 1000)).toBe(wait * 1000);
      }),
    );
  });

  test('with an invalid Date, the local clock counts', () => {
    const headers = { 'retry-after': date(now + 5_000), date: 'today' };
    expect(retryAfterMs(headers, now)).toBe(5_000);
  });

  test('seconds and milliseconds are read exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 }), fc.integer({ min: 0, max: DAY }), (seconds, ms) => {
        expect(retryAfterMs({ 'retry-after': String(seconds) }, now)).toBe(seconds * 1000);
        expect(retryAfterMs({ 'retry-after-ms': String(ms) }, now)).toBe(ms);
        expect(retryAfterMs({ 'x-retry-in': String(ms) }, now)).toBe(ms);
      }),
    );
  });

  test('for any headers the result is undefined or from 0 to a day', () => {
    const almost = fc
      .tuple(
        fc.constantFrom('', '-', '+', ' ', '.', 'Sun, ', '0x', '٣'),
        fc.string(),
        fc.constantFrom('', ' GMT', 's'),
      )
      .map((parts) => parts.join(''));
    const value = fc.oneof(
      fc.anything(),
      fc.string(),
      almost,
      fc.double().map(String),
      fc.date({ noInvalidDate: false }).map(String),
      fc.array(fc.string()),
    );
    const headers = fc.record(
      { 'retry-after-ms': value, 'retry-after': value, 'x-retry-in': value, date: value },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(headers, (bag) => {
        const wait = retryAfterMs(bag, now);
        expect(wait === undefined || (wait >= 0 && wait <= DAY)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a value that is neither digits nor an HTTP date is ignored', () => {
    const words = fc
      .array(fc.constantFrom('abc', 'Sun,', '12:00:00', '1', '3', 'GMT', 'PST', 'Mar', '2026', 'x'), {
        minLength: 2,
      })
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(words, (text) => {
        expect(retryAfterMs({ 'retry-after': text }, now)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('HTTP dates (RFC 9110 section 5.6.7)', () => {
  test.each(['UTC', 'America/New_York', 'Asia/Kolkata'])(
    'all three forms are UTC, in the time zone %s',
    (zone) => {
      process.env.TZ = zone;
      for (const form of [
        'Sun, 06 Nov 1994 08:49:37 GMT',
        'Sunday, 06-Nov-94 08:49:37 GMT',
        'Sun Nov  6 08:49:37 1994',
      ]) {
        expect(httpDate(form)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
      }
    },
  );

  test.each([
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 -0300',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 25:99:99 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    '08:49:37',
    '',
  ])('%j is none', (text) => {
    expect(httpDate(text)).toBeUndefined();
  });
});

describe('backoffMs', () => {
  test('is from 0.5 to 1 times first × 2^(retry − 1), and never above the longest', () => {
    const ms = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), ms, ms, (retry, first, most) => {
        const full = Math.min(most, first * 2 ** (retry - 1));
        const wait = backoffMs(retry, first, most);
        expect(wait).toBeGreaterThanOrEqual(full / 2);
        expect(wait).toBeLessThanOrEqual(full);
      }),
    );
  });

  test('differs between callers that failed together', () => {
    const waits = new Set(Array.from({ length: 20 }, () => backoffMs(3, 100, 10_000)));
    expect(waits.size).toBeGreaterThan(10);
  });
});
