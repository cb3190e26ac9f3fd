import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { idempotencyKey, MoovConfigError } from '../src/index.js';

const part = fc.oneof(fc.string({ minLength: 1 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
const parts = fc.array(part, { minLength: 1, maxLength: 5 });

describe('idempotencyKey', () => {
  // Computed with Python's uuid.uuid5. They must never change: a payment tried again under another key is made twice.
  test.each<[(string | number)[], string]>([
    [['order'], '77f41889-2758-55e6-bd78-18083becb50a'],
    [['order', '8471', 'capture'], 'dfb84ffc-4229-5aab-98b5-63f90eb40db8'],
    [['order', 8471, 'capture'], 'fdd0d615-8a05-57ba-8f39-45393dc89209'],
    [['order', 1.5], 'e11d3581-6cfd-5d23-b94a-d20be96f1c76'],
    [['a,b'], '605a4a03-1034-5df0-8cd5-ade2cfe2baac'],
    [['a', 'b'], '9263db61-1a1d-5bed-b108-03f792f6e820'],
    [['"', 'é', '😀'], 'a7bfa99c-9538-5845-963a-984522f7cfeb'],
    [['\ud83d'], 'd2b98141-3785-5a72-a01f-d1990ae258a8'],
    [[0], 'd11bb972-7e66-5487-a9bd-a16f21d63760'],
  ])('%j → %s, for good', (given, key) => {
    expect(idempotencyKey(...given)).toBe(key);
  });

  test('is a UUID of version 5, of at most the 36 characters that Moov takes', () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(idempotencyKey(...given)).toMatch(
          /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
        );
      }),
    );
  });

  test('the same parts give the same key, and others, another order or another type another key', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(idempotencyKey(...a) === idempotencyKey(...b)).toBe(same);
        expect(idempotencyKey(...a)).toBe(idempotencyKey(...a));
      }),
    );
    expect(idempotencyKey('a', 'b')).not.toBe(idempotencyKey('b', 'a'));
    expect(idempotencyKey('ab', 'c')).not.toBe(idempotencyKey('a', 'bc'));
    expect(idempotencyKey('1')).not.toBe(idempotencyKey(1));
    expect(idempotencyKey('["a"]')).not.toBe(idempotencyKey('a'));
  });

  test.each<[unknown[], string]>([
    [[], 'got none'],
    [[''], 'part 1 is an empty string'],
    [['order', ''], 'part 2 is an empty string'],
    [['order', undefined], 'part 2 is undefined'],
    [['order', null], 'part 2 is null'],
    [[Number.NaN], 'part 1 is NaN'],
    [['order', 8471, Number.POSITIVE_INFINITY], 'part 3 is Infinity'],
    [[true], 'part 1 is a boolean'],
    [[{}], 'part 1 is an object'],
    [[['order', 8471]], 'part 1 is a list'],
    [[new Date(0)], 'part 1 is an object'],
    [[Symbol('order')], 'part 1 is a symbol'],
  ])('%o is refused, as a key that says too little would stop another payment', (given, got) => {
    const call = () => Reflect.apply(idempotencyKey, undefined, given);
    expect(call).toThrow(MoovConfigError);
    expect(call).toThrow(`expected one or more non-empty strings and finite numbers; ${got}.`);
  });

  test('a bigint is refused, as JSON does not know it', () => {
    expect(() => Reflect.apply(idempotencyKey, undefined, [8471n])).toThrow(MoovConfigError);
  });
});
