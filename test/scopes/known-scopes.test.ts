import { expect, onTestFinished, test } from 'vitest';
import { type MoovAuthEvent, moovAuth } from '../../src/index.js';
import { findScopeSlips } from '../../src/scopes/known-scopes.js';
import { allow } from '../helpers/apps.js';
import { startSandbox } from '../helpers/moov.js';

const account = 'b1d2c3a4-0000-4000-8000-0000000000aa';

test.each([
  ['/accounts.read,/accounts.write', /has a comma in it\. Divide scopes by spaces, or pass a list\./],
  ['/accounts.raed', /not one of Moov's known scopes\. Did you mean \/accounts\.read\?/],
  ['/acounts.read', /Did you mean \/accounts\.read\?/],
  ['/accountss.read', /Did you mean \/accounts\.read\?/],
  ['/pong.read', /Did you mean \/ping\.read\?/],
  [`/accounts/${account}/walets.read`, /Did you mean \/accounts\/\{accountID\}\/wallets\.read\?/],
  ['/accounts/{accountID}/cards.writ', /Did you mean \/accounts\/\{accountID\}\/cards\.write\?/],
  ['/accounts/{accountID}/transfers.write', /as in \/accounts\/\{platformAccountID\}\/transfers\.write\./],
])('warns of %s', (scope, message) => {
  expect(findScopeSlips([scope])).toEqual([expect.stringMatching(message)]);
});

test.each(['walets.read', 'wallets.read,/accounts.read'])('%s has one message for all accounts', (slip) => {
  const other = 'b1d2c3a4-0000-4000-8000-0000000000bb';
  const [message, ...rest] = findScopeSlips([`/accounts/${account}/${slip}`]);
  expect(rest).toEqual([]);
  expect(message).toContain(`/accounts/{accountID}/${slip}`);
  expect(findScopeSlips([`/accounts/${other}/${slip}`])).toEqual([message]);
});

test.each([
  '/ping.read',
  '/accounts.read',
  '/accounts.write',
  '/accounts/{accountID}/wallets.read',
  `/accounts/${account}/transfers.write`,
  `/accounts/${account}/issued-cards.read-secure`,
  '/something-new.read',
  '/accounts/{accountID}/something-new.read',
  'openid',
])('has nothing to say of %s', (scope) => {
  expect(findScopeSlips([scope])).toEqual([]);
});

test('each slip is one event, of the scopes of moovAuth, of scoped() and of a router', async () => {
  const sandbox = await startSandbox();
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth(['/ping.read', '/acounts.read'], {
    ...sandbox.options,
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => moov.close());
  moov.scoped('/acounts.read /fed.raed');
  moov.browserTokenRouter({ guard: allow, scopes: ['/pin.read'] });
  expect(events.flatMap((event) => (event.type === 'config.warning' ? [event.message] : []))).toEqual([
    expect.stringContaining('/acounts.read is not'),
    expect.stringContaining('/fed.raed is not'),
    expect.stringContaining('/pin.read is not'),
  ]);
});

test('an attemptTimeoutMs above timeoutMs is an event, and its default is not', async () => {
  const sandbox = await startSandbox();
  const warnings = (options: object) => {
    const events: MoovAuthEvent[] = [];
    const moov = moovAuth('/ping.read', {
      ...sandbox.options,
      ...options,
      onEvent: (event) => events.push(event),
    });
    onTestFinished(() => moov.close());
    return events.filter(({ type }) => type === 'config.warning');
  };
  expect(warnings({ timeoutMs: 5_000, attemptTimeoutMs: 6_000 })).toEqual([
    {
      type: 'config.warning',
      message: 'attemptTimeoutMs (6000) has no effect above timeoutMs (5000), the time for a whole call.',
    },
  ]);
  expect(warnings({ timeoutMs: 5_000 })).toEqual([]);
  expect(warnings({ timeoutMs: 5_000, attemptTimeoutMs: 5_000 })).toEqual([]);
});
