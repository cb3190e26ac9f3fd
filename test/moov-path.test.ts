import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoovConfigError, moovPath } from '../src/index.js';

/** Calls the tag with a value that TypeScript would not let through. */
function pathWith(value: unknown): unknown {
  return Reflect.apply(moovPath, undefined, [Object.assign(['/a/', '/b'], { raw: ['/a/', '/b'] }), value]);
}

describe('moovPath', () => {
  test('puts values between the fixed text', () => {
    const [account, transfer] = ['6a1c', 'b7'];
    expect(moovPath`/accounts/${account}/transfers/${transfer}`).toBe('/accounts/6a1c/transfers/b7');
    expect(moovPath`/accounts/${account}`).toBe('/accounts/6a1c');
    expect(moovPath`${account}`).toBe('6a1c');
    expect(moovPath`/ping`).toBe('/ping');
    expect(moovPath`/accounts?count=${20}&skip=${0}`).toBe('/accounts?count=20&skip=0');
  });

  test.each([
    ['../oauth2/token', '..%2Foauth2%2Ftoken'],
    ['a/b', 'a%2Fb'],
    ['?x=1', '%3Fx%3D1'],
    ['#x', '%23x'],
    ['%2e%2e', '%252e%252e'],
    ['%2e', '%252e'],
    ['\\', '%5C'],
    ['..\\', '..%5C'],
    ['a&b=c', 'a%26b%3Dc'],
    [';jsessionid=1', '%3Bjsessionid%3D1'],
    ['//elsewhere.example', '%2F%2Felsewhere.example'],
    ['https://elsewhere.example', 'https%3A%2F%2Felsewhere.example'],
    ['@elsewhere.example', '%40elsewhere.example'],
    [' ', '%20'],
    ['\r\n', '%0D%0A'],
    ['\u0000', '%00'],
    ['é', '%C3%A9'],
    ['😀', '%F0%9F%98%80'],
    ['...', '...'],
    ['a..b', 'a..b'],
    ['-_.~', '-_.~'],
  ])('%j is one segment', (value, encoded) => {
    expect(moovPath`/accounts/${value}/wallets`).toBe(`/accounts/${encoded}/wallets`);
  });

  test.each<[number, string]>([
    [7, '7'],
    [0, '0'],
    [-0, '0'],
    [-1.5, '-1.5'],
    [1e21, '1e%2B21'],
  ])('the number %d', (value, encoded) => {
    expect(moovPath`/a/${value}`).toBe(`/a/${encoded}`);
  });

  test('whatever string is put in comes out of a URL parser as that one segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(), (text, number) => {
        fc.pre(text !== '.' && text !== '..');
        const url = new URL(moovPath`/accounts/${text}/x/${number}`, 'https://api.moov.io');
        const [, accounts, segment, x, last, ...rest] = url.pathname.split('/');
        expect([accounts, decodeURIComponent(segment ?? ''), x, last, rest]).toEqual([
          'accounts',
          text,
          'x',
          String(number),
          [],
        ]);
        expect(url.origin + url.search + url.hash).toBe('https://api.moov.io');
      }),
      { numRuns: 1_000 },
    );
  });

  test('different values give different paths', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one !== '.' && one !== '..');
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        expect(moovPath`/${a}/${b}` === moovPath`/${c}/${d}`).toBe(a === c && b === d);
      }),
    );
  });

  test.each<[string, unknown, string]>([
    ['the empty string', '', 'got "", "." or "..".'],
    ['a dot', '.', 'got "", "." or "..".'],
    ['two dots', '..', 'got "", "." or "..".'],
    ['half of a surrogate pair', '\ud83d', 'got a string with a lone surrogate.'],
    ['the other half', 'a\ude00b', 'got a string with a lone surrogate.'],
    ['undefined', undefined, 'got undefined.'],
    ['null', null, 'got null.'],
    ['NaN', Number.NaN, 'got number.'],
    ['Infinity', Number.POSITIVE_INFINITY, 'got number.'],
    ['an object', { toString: () => 'a' }, 'got object.'],
    ['a String object', Object('a'), 'got object.'],
    ['a list, as Express gives for ?id=a&id=b', ['a'], 'got object.'],
    ['a boolean', true, 'got boolean.'],
    ['a bigint', 7n, 'got bigint.'],
    ['a symbol', Symbol('a'), 'got symbol.'],
    ['a function', () => 'a', 'got function.'],
  ])('%s is refused', (_, value, got) => {
    expect(() => pathWith(value)).toThrow(MoovConfigError);
    expect(() => pathWith(value)).toThrow(
      `moovPath: value 1 must be a non-empty string or a finite number that can be one path segment; ${got}`,
    );
  });

  test('the message names the position of the value, not the value', () => {
    const secret = 'sk_live\ud83d';
    expect(() => moovPath`/a/${'fine'}/${secret}`).toThrow(/^moovPath: value 2 must be/);
    expect(() => moovPath`/a/${'fine'}/${secret}`).not.toThrow(/sk_live/);
  });

  test('TypeScript accepts only strings and numbers', () => {
    const calls = (flag: boolean, missing?: string) => [
      // @ts-expect-error a boolean is no segment
      () => moovPath`/a/${flag}`,
      // @ts-expect-error what may be missing is no segment
      () => moovPath`/a/${missing}`,
      // @ts-expect-error an object is no segment
      () => moovPath`/a/${{ id: 1 }}`,
    ];
    for (const call of calls(true)) expect(call).toThrow(MoovConfigError);
  });
});
