import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { userAgent } from '../src/version.js';

test('the User-Agent has the name and the version of package.json', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { name, version } = JSON.parse(text);
  expect(userAgent).toBe(`${name}/${version}`);
});
