import { expect, test } from 'vitest';
import { oneLine } from '../../src/utils/one-line.js';

test('leaves a line as it is, in any language', () => {
  for (const line of ['', 'GET /accounts 404', 'Zürich – 東京 – مرحبا – 👩‍💻', 'a\\nb'])
    expect(oneLine(line)).toBe(line);
});

test.each([
  ['line ends', 'a\nb\rc\u0085d\u2028e\u2029f', 'a\\nb\\rc\\u0085d\\u2028e\\u2029f'],
  ['tabs, NUL and DEL', 'a\tb\0c\x7fd', 'a\\tb\\u0000c\\u007fd'],
  ['terminal sequences', '\x1b[2J\x9b31m', '\\u001b[2J\\u009b31m'],
  [
    'bidirectional marks',
    '\u202eabc\u202c \u2066d\u2069 \u200e\u200f\u061c',
    '\\u202eabc\\u202c \\u2066d\\u2069 \\u200e\\u200f\\u061c',
  ],
  ['half of a character', 'a\ud83db', 'a\\ud83db'],
])('escapes %s', (_name, text, line) => {
  expect(oneLine(text)).toBe(line);
});

test('cuts a line after the limit, and shows that it did', () => {
  expect(oneLine('a'.repeat(500))).toBe('a'.repeat(500));
  expect(oneLine('a'.repeat(501))).toBe(`${'a'.repeat(499)}…`);
  expect(oneLine('abcdef', 5)).toBe('abcd…');
});

test('counts what it writes, so that escapes do not make a line longer', () => {
  expect(oneLine('\n'.repeat(1_000_000))).toHaveLength(500);
});

test('does not cut a character in half', () => {
  expect(oneLine('abc👍def', 5)).toBe('abc…');
  expect(oneLine('abc👍', 5)).toBe('abc👍');
});
