/** The page's script. What comes from requests enters the page by textContent alone, so that markup in it stays text. */
export const script = String.raw`
'use strict';
const MOST_ROWS = 200;
const byID = (id) => document.getElementById(id);
const rows = new Map();
let state = { now: 0, accounts: [], transfers: [], tokens: [], faults: [] };
let receivedAt = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** An ID is long, and its beginning identifies it. */
function shortened(text) {
  return text.replace(/([\da-f]{8})-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, '$1…');
}

function money(amount) {
  return (amount.value / 100).toFixed(2) + ' ' + amount.currency;
}

function toneOf(exchange) {
  if (!exchange.isOver) return '';
  if (exchange.status === 0 || exchange.status >= 500) return 'bad';
  return exchange.status >= 400 ? 'warn' : 'good';
}

function statusOf(exchange) {
  if (!exchange.isOver) return '…';
  return exchange.status === 0 ? 'lost' : String(exchange.status);
}

function showExchange(exchange) {
  let row = rows.get(exchange.id);
  if (row === undefined) {
    row = element('details');
    row.append(element('summary'), element('div'));
    rows.set(exchange.id, row);
    byID('requests').prepend(row);
    row.addEventListener('toggle', () => fillDetails(row));
    for (const [id, old] of rows) {
      if (rows.size <= MOST_ROWS) break;
      old.remove();
      rows.delete(id);
    }
  }
  row.exchange = exchange;
  const summary = row.firstElementChild;
  const path = element('span', 'mono path', shortened(exchange.path));
  if (exchange.account) path.append(element('span', 'soft', exchange.account));
  summary.replaceChildren(
    element('span', 'soft', exchange.time),
    element('span', 'mono', exchange.method),
    path,
    element('span', 'status ' + toneOf(exchange), statusOf(exchange)),
  );
  if (exchange.note) summary.append(element('span', 'note', shortened(exchange.note)));
  fillDetails(row);
  byID('request-count').textContent = '(' + rows.size + (rows.size === MOST_ROWS ? ', the last ones' : '') + ')';
}

function fillDetails(row) {
  if (!row.open) return;
  const { path, credential, requestHeaders, requestBody, responseHeaders, responseBody } = row.exchange;
  const parts = [
    ['Path', path],
    ['Credential', credential],
    ['Request headers', requestHeaders],
    ['Request body', requestBody],
    ['Response headers', responseHeaders],
    ['Response body', responseBody],
  ];
  row.lastElementChild.replaceChildren(
    ...parts.flatMap(([title, text]) => (text ? [element('h3', '', title), element('pre', '', text)] : [])),
  );
}

function item(head, aside, ...lines) {
  const made = element('li');
  const top = element('div', 'head');
  top.append(element('span', '', head), aside);
  made.append(top, ...lines.filter(Boolean).map((line) => element('div', 'soft', line)));
  return made;
}

function transferItem(transfer) {
  const tone = { completed: 'good', pending: 'warn', failed: 'bad', reversed: 'bad' }[transfer.status] || 'soft';
  const made = item(
    money(transfer.amount),
    element('span', tone, transfer.status + (transfer.why ? ': ' + transfer.why : '')),
    transfer.from + ' → ' + transfer.to,
    transfer.refunded && 'refunded: ' + money(transfer.refunded),
    shortened(transfer.transferID) + (transfer.foreignID ? ', ' + transfer.foreignID : ''),
  );
  if (transfer.status === 'pending') {
    const buttons = element('div', 'buttons');
    for (const [status, text] of [['completed', 'Settle'], ['failed', 'Let it fail']]) {
      const button = element('button', 'small', text);
      button.type = 'button';
      button.addEventListener('click', () => act({ action: 'settle', transferID: transfer.transferID, status }));
      buttons.append(button);
    }
    made.append(buttons);
  }
  return made;
}

function accountItem(account) {
  const balance = account.balance === undefined ? 'no wallet' : money({ value: account.balance, currency: 'USD' });
  const made = item(
    account.name,
    element('span', account.balance < 0 ? 'bad' : '', balance),
    'capabilities: ' + account.capabilities.join(', '),
    account.accountID + (account.isDisconnected ? ', disconnected' : ''),
  );
  if (account.methods.length > 0) made.append(methodList(account));
  return made;
}

/** Stays open while the page is brought up to date. */
const opened = new Set();
function methodList({ accountID, methods }) {
  const made = element('details', 'methods');
  made.open = opened.has(accountID);
  made.addEventListener('toggle', () => (made.open ? opened.add(accountID) : opened.delete(accountID)));
  made.append(element('summary', '', 'payment methods: ' + methods.length));
  for (const { id, name } of methods) made.append(element('div', 'soft', name), element('div', 'mono', id));
  return made;
}

function tokenItem(token) {
  return item('token ' + token.tail, element('span', 'life'), ...token.scopes.map(shortened));
}

function showState() {
  byID('faults').replaceChildren(...state.faults.map((fault) => element('li', '', fault)));
  byID('transfers').replaceChildren(...state.transfers.map(transferItem));
  byID('accounts').replaceChildren(...state.accounts.map(accountItem));
  byID('tokens').replaceChildren(...state.tokens.map(tokenItem));
  showLives();
}

function showLives() {
  const now = state.now + performance.now() - receivedAt;
  document.querySelectorAll('#tokens .life').forEach((place, index) => {
    const seconds = Math.max(0, Math.round((state.tokens[index].expiresAt - now) / 1000));
    const left = seconds >= 60 ? Math.floor(seconds / 60) + ' min ' + (seconds % 60) + ' s' : seconds + ' s';
    place.textContent = seconds === 0 ? 'expired' : left + ' left';
  });
}

let isLoading = false;
let isStale = false;
async function loadState() {
  isStale = true;
  if (isLoading) return;
  isLoading = true;
  while (isStale) {
    isStale = false;
    const response = await fetch('/_sandbox/state').catch(() => undefined);
    if (response && response.ok) {
      state = await response.json();
      receivedAt = performance.now();
      showState();
    }
    // Several requests at once are one look at what they have made.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  isLoading = false;
}

const done = {
  loseNextPayment: 'The next payment will be made, and its response lost.',
  outage: 'For 10 seconds every request is answered with 503.',
  rateLimit: 'The next 5 requests are answered with 429.',
  expireTokens: 'All access tokens have expired.',
  revokeTokens: 'All tokens are revoked.',
  clearFaults: 'All faults are removed.',
  reset: 'Back at the beginning. Tokens are still valid.',
  settle: 'The transfer has moved on.',
};

async function act(order) {
  const response = await fetch('/_sandbox/act', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(order),
  }).catch(() => undefined);
  const failed = response ? response.text() : 'The sandbox cannot be reached.';
  byID('done').textContent = response && response.ok ? done[order.action] : await failed;
  loadState();
}

for (const button of document.querySelectorAll('[data-action]')) {
  button.addEventListener('click', () => act({ action: button.dataset.action }));
}

function clear() {
  rows.clear();
  byID('requests').replaceChildren();
  byID('request-count').textContent = '';
  loadState();
}

byID('export').textContent = 'MOOV_BASE_URL=' + location.origin;
const events = new EventSource('/_sandbox/events');
events.addEventListener('open', () => {
  byID('connection').textContent = 'Listening on ' + location.host;
});
events.addEventListener('error', () => {
  byID('connection').textContent = 'The sandbox cannot be reached. Trying again…';
});
events.addEventListener('clear', clear);
events.addEventListener('exchange', ({ data }) => {
  showExchange(JSON.parse(data));
  loadState();
});
setInterval(showLives, 1000);
// What the program around the sandbox changes comes without an event.
setInterval(() => document.hidden || loadState(), 2000);
`;
