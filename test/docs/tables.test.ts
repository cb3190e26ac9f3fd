import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventLevels } from '../../src/events.js';
import { fieldsByType, literalsOf } from './types.js';

test('docs/errors.md has an entry for each code, and for nothing else', () => {
  const codes = ['MoovErrorCode', 'MoovCallCode'].flatMap((name) => literalsOf('src/errors.ts', name));
  const entries = readFileSync('docs/errors.md', 'utf8').match(/(?<=^### )\S+$/gm) ?? [];
  expect(codes.length).toBeGreaterThan(25);
  expect([...entries].sort()).toEqual([...new Set(codes)].sort());
});

test('each entry of docs/errors.md says whether to retry', () => {
  const [, ...entries] = readFileSync('docs/errors.md', 'utf8').split(/^### /m);
  expect(entries.filter((entry) => !/ Retry: .+\./.test(entry))).toEqual([]);
});

test('docs/observability.md has each event with its level and its fields', () => {
  const rows = readFileSync('docs/observability.md', 'utf8').matchAll(
    /^\| `([a-zA-Z]+\.[a-zA-Z]+)` \| (debug|info|warn|error) \| [^|]+ \|([^|]*)\|$/gm,
  );
  const documented = [...rows].map(([, type = '', level = '', fields = '']) => [
    type,
    level,
    [...fields.matchAll(/`([^`]+)`/g)].map(([, name]) => name).sort(),
  ]);
  const events = fieldsByType('src/events.ts', 'MoovAuthEvent');
  expect(events.size).toBeGreaterThan(20);
  expect(documented.sort()).toEqual(
    [...events].map(([type, fields]) => [type, Reflect.get(eventLevels, type), fields]).sort(),
  );
});
