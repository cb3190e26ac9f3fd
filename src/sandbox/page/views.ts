import { oneLine } from '../../utils/one-line.js';
import type { Api } from '../api.js';
import type { Exchange } from '../exchange.js';
import type { Faults } from '../faults.js';
import { credentialOf, looksLikeJson, maskedBody, maskedHeaders, maskedPath, tail } from '../masks.js';
import type { PaymentMethod } from '../resources/funding/payment-methods.js';
import type { SandboxTransfer } from '../resources/transfers/transfer.js';
import { everything } from './actions.js';

/** More of a body is not shown. */
const LONGEST_BODY = 20_000;

const LONGEST_NOTE = 160;

const MOST_SHOWN = 50;

/** A request and its response as the page shows them: as text, without secrets. */
export function exchangeView(exchange: Exchange, account: string | undefined) {
  const { id, isOver, note, request, response } = exchange;
  const { at, method, path, headers, body, status } = request;
  const responseText =
    response && responseBody(response.body, String(response.headers['content-type'] ?? ''));
  return {
    id,
    isOver,
    note: note ?? (status >= 400 && responseText ? inOneLine(responseText) : undefined),
    account,
    time: at.toTimeString().slice(0, 8),
    method,
    path: maskedPath(path),
    status,
    credential: credentialOf(headers),
    requestHeaders: lines(maskedHeaders(headers)),
    requestBody: cut(maskedBody(body, headers['content-type'] ?? '')),
    responseHeaders: response && lines(maskedHeaders(response.headers)),
    responseBody: responseText && cut(responseText),
  };
}

/** What exists at the moment, the newest first, and what is to come. */
export function stateView(api: Api, faults: Faults) {
  const { accounts, paymentMethods, wallets, transfers } = api.resources;
  return {
    now: Date.now(),
    accounts: accounts.all
      .slice(-MOST_SHOWN)
      .map(({ accountID, displayName, capabilities, disconnectedOn }) => ({
        accountID,
        name: displayName,
        isDisconnected: disconnectedOn !== undefined,
        capabilities: capabilities.map(({ capability }) => capability),
        balance: wallets.of(accountID)[0]?.availableBalance.value,
        methods: paymentMethods.of(accountID).map((method) => ({
          id: method.paymentMethodID,
          name: [method.paymentMethodType, sourceName(method)].filter(Boolean).join(', '),
        })),
      })),
    transfers: transfers.all.slice(-MOST_SHOWN).reverse().map(transferView),
    tokens: api.tokens.valid
      .slice(-MOST_SHOWN)
      .reverse()
      .map(({ token, scopes, expiresAt }) => ({ tail: tail(token), scopes: [...scopes], expiresAt })),
    faults: faults.pending.map(faultView),
  };
}

function sourceName({ card, bankAccount }: PaymentMethod): string | undefined {
  if (card !== undefined) return `${card.brand} ${card.lastFourCardNumber}`;
  return bankAccount && `bank account ${bankAccount.lastFourAccountNumber} (${bankAccount.status})`;
}

/** Such as `The next 2 GET requests that match "/ping": status 503`. */
function faultView({ rule, left, leftMs }: Faults['pending'][number]): string {
  const effect =
    rule.drop === 'before'
      ? 'not acted on, connection cut'
      : rule.drop === 'after'
        ? 'acted on, response lost'
        : rule.truncate === true
          ? 'response cut in the middle'
          : rule.status === undefined
            ? `delayed by ${rule.delayMs} ms`
            : `status ${rule.status}`;
  const isForAll = rule.path instanceof RegExp && rule.path.source === everything.source;
  const path = rule.path instanceof RegExp ? String(rule.path) : `"${rule.path}"`;
  const which = left === Number.POSITIVE_INFINITY ? 'All' : left === 1 ? 'The next' : `The next ${left}`;
  const words = [which, rule.method?.toUpperCase(), left === 1 ? 'request' : 'requests'];
  const target = isForAll ? '' : ` that ${left === 1 ? 'matches' : 'match'} ${path}`;
  const time = leftMs === Number.POSITIVE_INFINITY ? '' : `, for ${Math.ceil(leftMs / 1000)} s more`;
  return `${words.filter(Boolean).join(' ')}${target}: ${effect}${time}`;
}

function transferView({
  transferID,
  amount,
  status,
  failureReason,
  foreignID,
  ...transfer
}: SandboxTransfer) {
  const { failureCode } = transfer.source.cardDetails ?? {};
  const { code } = transfer.source.achDetails?.return ?? transfer.destination.achDetails?.return ?? {};
  return {
    transferID,
    amount,
    status,
    why: failureCode ?? code ?? failureReason,
    foreignID,
    from: partyView(transfer.source),
    to: partyView(transfer.destination),
    refunded: transfer.refundedAmount,
  };
}

function partyView({ account, paymentMethodType }: SandboxTransfer['source']): string {
  return `${account.displayName} (${paymentMethodType})`;
}

/** Other text is the application's own, from an endpoint or a fault that it gave. */
function responseBody(body: string, contentType: string): string {
  return looksLikeJson(body) ? maskedBody(body, contentType) : body;
}

/** The beginning of a body, for the list of requests. */
function inOneLine(text: string): string {
  return oneLine(text.replaceAll(/\s+/g, ' '), LONGEST_NOTE);
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function cut(text: string): string {
  return text.length <= LONGEST_BODY ? text : `${text.slice(0, LONGEST_BODY)}… (${text.length} characters)`;
}
