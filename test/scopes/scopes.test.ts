import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoovConfigError } from '../../src/index.js';
import { fillAccount, readScopes } from '../../src/scopes/scopes.js';
import { full } from '../helpers/full.js';

const allowed = [..."!#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[]^_`abcxyz|~"];
const normaliseScopes = (scopes: string | readonly string[]) => readScopes(scopes, undefined).text;

/** What RFC 6749 section 3.3 allows in one scope, without the braces of placeholders. */
const scope = fc.string({ unit: fc.constantFrom(...allowed), minLength: 1 });
const scopes = fc.array(scope, { minLength: 1 });
const spaces = fc.string({ unit: fc.constant(' '), maxLength: 4 });

/** The message of the refusal of something that plain JavaScript may pass. */
function refusal(given: unknown): string {
  try {
    Reflect.apply(normaliseScopes, undefined, [given]);
  } catch (error) {
    expect(error).toBeInstanceOf(MoovConfigError);
    return error instanceof Error ? error.message : '';
  }
  throw new Error(`expected ${JSON.stringify(given)} to be refused`);
}

describe('the normal form of scopes', () => {
  test.each<[string | string[], string]>([
    ['/accounts.read', '/accounts.read'],
    ['/b.read /a.read', '/a.read /b.read'],
    ['  /b.read   /a.read /b.read ', '/a.read /b.read'],
    [['/b.read', '/a.read', '/b.read'], '/a.read /b.read'],
    [[' /a.read '], '/a.read'],
    [['/accounts/6a1c/wallets.read'], '/accounts/6a1c/wallets.read'],
  ])('%j → %j', (given, expected) => {
    expect(normaliseScopes(given)).toBe(expected);
  });

  test('order, duplicates and spaces around do not matter', () => {
    const shuffled = scopes.chain((list) =>
      fc.record({
        list: fc.constant(list),
        mixed: fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
        before: spaces,
        after: spaces,
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ list, mixed, before, after }) => {
        const expected = normaliseScopes(list);
        expect(normaliseScopes(mixed.map((one) => before + one + after))).toBe(expected);
        expect(normaliseScopes(`${before}${mixed.join(` ${before}`)}${after}`)).toBe(expected);
      }),
    );
  });

  test('is stable, and contains each scope once', () => {
    fc.assert(
      fc.property(scopes, (list) => {
        const normal = normaliseScopes(list);
        expect(normaliseScopes(normal)).toBe(normal);
        expect(new Set(normal.split(' '))).toEqual(new Set(list));
        expect(normal.split(' ')).toHaveLength(new Set(list).size);
      }),
    );
  });

  test('does not change the given list', () => {
    const list = Object.freeze(['/b.read', '/a.read', '/b.read']);
    expect(normaliseScopes(list)).toBe('/a.read /b.read');
    expect(list).toEqual(['/b.read', '/a.read', '/b.read']);
  });
});

describe('refused, with a hint on how to pass scopes', () => {
  test.each<[unknown, string]>([
    [[], 'scopes: expected at least one scope.'],
    ['', 'scopes: expected at least one scope.'],
    ['   ', 'scopes: expected at least one scope.'],
    [undefined, 'scopes: expected a string or a list of strings; got'],
    [null, 'scopes: expected a string or a list of strings; got'],
    [42, 'scopes: expected a string or a list of strings; got'],
    [{}, 'scopes: expected a string or a list of strings; got'],
    [new Set(['/a.read']), 'scopes: expected a string or a list of strings; got'],
    [[''], 'scopes[0]: expected one scope'],
    [['/a.read', ''], 'scopes[1]: expected one scope'],
    [['/a.read', undefined], 'scopes[1]: expected one scope'],
    [['/a.read', ['/b.read']], 'scopes[1]: expected one scope'],
    [[42], 'scopes[0]: expected one scope'],
    [['/a.read /b.read'], 'scopes[0]: expected one scope of printable ASCII characters without spaces'],
    [['/a.read,\t/b.read'], 'scopes[0]: expected one scope'],
    [['/a.read\n'], 'scopes[0]: expected one scope'],
    ['/a.read\n/b.read', 'scopes[0]: expected one scope'],
    ['/a.read\u00a0/b.read', 'scopes[0]: expected one scope'],
    [['/"a".read'], 'scopes[0]: expected one scope'],
    [['\\a.read'], 'scopes[0]: expected one scope'],
    [['/a.réad'], 'scopes[0]: expected one scope'],
    [['/a\u0000.read'], 'scopes[0]: expected one scope'],
  ])('%j', (given, message) => {
    const told = refusal(given);
    expect(told).toContain(message);
    expect(told).toContain("Pass scopes as moovAuth(['/accounts.read', '/accounts.write']).");
  });

  test('every invalid character, at any position', () => {
    const forbidden = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 1 })
      .filter((character) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(character));
    fc.assert(
      fc.property(scope, forbidden, scope, (before, character, after) => {
        expect(refusal([`${before}${character}${after}`])).toContain('scopes[0]: expected one scope');
      }),
      { numRuns: full ? 500 : 100 },
    );
  });

  test.each([
    ['ping.read', "'/ping.read'"],
    ['accounts.write', "'/accounts.write'"],
    ['card-metadata.read', "'/card-metadata.read'"],
    ['accounts/{accountID}/cards.read', "'/accounts/{accountID}/wallets.read'"],
    ['accounts/6a1c/cards.read', "'/accounts/{accountID}/wallets.read'"],
  ])('a scope without its first slash: %s', (given, right) => {
    for (const form of [`/a.read ${given}`, ['/a.read', given]]) {
      expect(refusal(form)).toBe(`scopes[1]: expected a slash at its beginning, as in ${right}.`);
    }
  });

  test.each(['/accounts/:accountID/wallets.read', '/accounts/:id/transfers.write'])(
    'the parameter of a route: %s',
    (given) => {
      expect(refusal([given])).toMatch(
        /^scopes\[0\]: expected the account as \{accountID\}, .*with a colon\.$/,
      );
    },
  );

  test('other unknown scopes are accepted, because Moov may know them', () => {
    for (const given of [
      'openid',
      'ping.write',
      'ping.reader',
      'pingXread',
      'my.accounts.read',
      '/x/:a/b.read',
      'account/a',
    ]) {
      expect(normaliseScopes([given])).toBe(given);
    }
  });

  test('the message never shows the value, which may be a key in the wrong place', () => {
    expect(refusal(['sk_live "secret"'])).not.toContain('sk_live');
    expect(refusal(['{sk_live}'])).not.toContain('sk_live');
  });

  test.each(['/accounts/{id}/transfers.write', '{scope}', '/a}.read'])(
    'a placeholder there is not: %s',
    (given) => {
      for (const form of [given, [given]]) {
        expect(refusal(form)).toBe(
          'scopes[0]: the placeholders are {accountID} and {platformAccountID}; there is no other.',
        );
      }
    },
  );
});

describe('placeholders', () => {
  const accountID = 'b1d2c3a4-0000-4000-8000-00000000000A';

  test('{accountID} needs an account', () => {
    const wallets = '/accounts/{accountID}/wallets.read';
    expect(readScopes(wallets, undefined)).toEqual({ text: wallets, needsAccount: true });
    expect(fillAccount(readScopes(wallets, undefined), accountID)).toBe(
      `/accounts/${accountID.toLowerCase()}/wallets.read`,
    );
  });

  test('{platformAccountID} is filled from its option, or refused without it', () => {
    const transfers = '/accounts/{platformAccountID}/transfers.write';
    expect(readScopes(transfers, accountID).text).toBe(
      `/accounts/${accountID.toLowerCase()}/transfers.write`,
    );
    expect(refusal(transfers)).toContain('MOOV_ACCOUNT_ID');
  });

  test('filled scopes are in normal form again', () => {
    const fixed = `/accounts/${accountID.toLowerCase()}/wallets.read`;
    const scopes = readScopes(['/accounts/{accountID}/wallets.read', fixed, '/zzz.read'], undefined);
    expect(fillAccount(scopes, accountID)).toBe(`${fixed} /zzz.read`);
  });
});
