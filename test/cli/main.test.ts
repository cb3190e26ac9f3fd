import { expect, test } from 'vitest';
import { userAgent } from '../../src/version.js';
import { run } from './helpers.js';

test('--help prints the commands to stdout', async () => {
  const { status, stdout, stderr } = await run(['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: npx --no-install express-moov-auth <command>/);
});

test('--help after a command prints its options', async () => {
  const { status, stdout } = await run(['check', '--help']);
  expect(status).toBe(0);
  for (const option of ['--scope', '--account', '--env', '--json']) expect(stdout).toContain(option);
});

test('--version prints the name and the version', async () => {
  expect(await run(['--version'])).toEqual({
    status: 0,
    stdout: `${userAgent.replace('/', ' ')}\n`,
    stderr: '',
  });
});

test.each([
  ['no command', []],
  ['an unknown command', ['chekc']],
  ['a name that every object has', ['toString']],
])('%s prints the commands to stderr, with status 2', async (_name, args) => {
  const { status, stdout, stderr } = await run(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('Usage: npx --no-install express-moov-auth <command>');
  for (const name of args) expect(stderr).toContain(`There is no command "${name}".\n`);
});
