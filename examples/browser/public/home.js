import { callMoov, giveBack, mint, shown } from './token.js';

// Who is signed in, and where Moov's API is.
let me;

const element = (id) => document.getElementById(id);

// Always as text: values from Moov or from a user are never parsed as HTML.
function show(id, text) {
  element(id).textContent = text;
}

function duration(seconds) {
  if (seconds <= 0) return 'ended; the next call gets a new one';
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

function showToken() {
  const token = shown();
  show('life', token === undefined ? 'none' : duration(token.seconds));
  show('ending', token === undefined ? '' : `…${token.ending}`);
  const items = (token?.scopes ?? []).map((scope) => {
    const item = document.createElement('li');
    item.append(document.createElement('code'));
    item.firstChild.textContent = scope;
    return item;
  });
  element('scopes').replaceChildren(...items);
}

async function start() {
  const response = await fetch('/me');
  if (!response.ok) throw new Error(`The server did not say who is signed in: ${response.status}`);
  me = await response.json();
  show('account', me.accountName);
  show('name', me.name);
  await mint();
  showToken();
}

async function listAll(what) {
  const path = `/accounts/${me.accountID}/${what}`;
  const response = await callMoov(me.api + path);
  // Moov's 401 and 403 have no body.
  const text = await response.text();
  showToken();
  const outcome = element('outcome');
  outcome.className = response.ok ? 'good' : 'bad';
  show('request', `GET ${path}`);
  show('outcome', `${response.status}: ${meaning(response.status, text)}`);
  show('body', text || '(no body)');
  show('request-id', response.headers.get('x-request-id') ?? '');
  element('result').hidden = false;
}

function meaning(status, text) {
  if (status === 200) return text === '[]' ? 'none there yet' : 'found';
  return status === 403 ? 'this token may not do that' : 'Moov has refused';
}

async function signOut() {
  // First the token, because revoking it needs the session. The session ends in any case.
  const revoked = await giveBack().then(
    () => true,
    () => false,
  );
  const { ok } = await fetch('/sign-out', { method: 'POST' });
  if (!ok) throw new Error('The server did not end the session.');
  location.assign(revoked ? '/sign-in#signed-out' : '/sign-in#not-revoked');
}

/** Runs the action of a button, and shows its error. */
async function run(action) {
  const buttons = document.querySelectorAll('button');
  for (const button of buttons) button.disabled = true;
  element('problem').hidden = true;
  try {
    await action();
  } catch (error) {
    show('problem', error.message);
    element('problem').hidden = false;
  }
  for (const button of buttons) button.disabled = false;
}

for (const button of document.querySelectorAll('[data-list]')) {
  button.addEventListener('click', () => run(() => listAll(button.dataset.list)));
}
element('renew').addEventListener('click', () => run(() => mint().then(showToken)));
element('sign-out').addEventListener('click', () => run(signOut));

await run(start);
// Only the lifetime: the rest does not change by itself.
setInterval(() => {
  const token = shown();
  if (token !== undefined) show('life', duration(token.seconds));
}, 1000);
