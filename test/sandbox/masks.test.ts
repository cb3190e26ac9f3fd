import { expect, test } from 'vitest';
import { maskedBody, maskedHeaders, maskedPath } from '../../src/sandbox/masks.js';

const form = 'application/x-www-form-urlencoded';
const hidden = '(not shown: neither JSON nor a form)';

test.each<[string, string, string]>([
  ['{"client_secret":"REAL"}', form, '{\n  "client_secret": "•••"\n}'],
  [' {"a":[{"cardNumber":"4111REAL"}]}', form, expect.stringContaining('"cardNumber": "•••"')],
  ['[{"secret_key":"REAL"}]', 'text/plain', expect.stringContaining('"secret_key": "•••"')],
  ['{"client_secret":"REAL"', form, hidden],
  ['[{"cardNumber":"a=REAL&b=1"', form, hidden],
  ['x{"cardNumber":"a=REAL"}', form, hidden],
  ['REAL', form, hidden],
  ['client_secret=ab#REAL', form, 'client_secret=•••'],
  ['client_secret=a=REAL\nREAL&a=1', form, 'client_secret=•••&a=1'],
  ['client%5Fsecret=REAL&a=%', form, 'client%5Fsecret=•••&a=%'],
  ['card[cardNumber]=REAL&b[]=1', form, 'card[cardNumber]=•••&b[]=1'],
  ['grant_type=refresh_token&refresh_token=REAL', form, 'grant_type=refresh_token&refresh_token=•••'],
])('the body %j of type %s is shown without its secret', (body, type, shown) => {
  expect(maskedBody(body, type)).toEqual(shown);
  expect(maskedBody(body, type)).not.toContain('REAL');
});

test('a path is shown without its secrets, whatever they hold', () => {
  expect(maskedPath('/a?token=x#REAL?y&b=1&apiKey=z')).toBe('/a?token=•••&b=1&apiKey=•••');
  expect(maskedPath('/a?')).toBe('/a?');
});

test('headers with keys are masked', () => {
  const headers = {
    'X-Api-Key': 'k',
    'api-key': 'k',
    'x-auth-token': 'k',
    'set-cookie': 'k',
    'x-trace': 't',
  };
  expect(Object.values(maskedHeaders(headers))).toEqual(['•••', '•••', '•••', '•••', 't']);
});
