import type { Api } from '../api.js';
import type { Exchange } from '../exchange.js';
import type { Faults } from '../faults.js';
import { credentialOf, maskedBody, maskedHeaders, maskedPath, tail } from '../masks.js';
import type { SandboxTransfer } from '../resources/transfers/transfer.js';

/** More of a body is not shown. */
const LONGEST_BODY = 20_000;

const MOST_SHOWN = 50;

/** A request and its response as the page shows them: as text, without secrets. */
export function exchangeView(exchange: Exchange, account: string | undefined) {
  const { id, isOver, note, request, response } = exchange;
  const { at, method, path, headers, body, status } = request;
  const contentType = String(response?.headers['content-type'] ?? '');
  return {
    id,
    isOver,
    note,
    account,
    time: at.toTimeString().slice(0, 8),
    method,
    path: maskedPath(path),
    status,
    credential: credentialOf(headers),
    requestHeaders: lines(maskedHeaders(headers)),
    requestBody: cut(maskedBody(body, headers['content-type'] ?? '')),
    responseHeaders: response && lines(maskedHeaders(response.headers)),
    responseBody: response && cut(responseBody(response.body, contentType)),
  };
}

/** What exists at the moment, the newest first, and what is to come. */
export function stateView(api: Api, faults: Faults) {
  const { accounts, bankAccounts, cards, wallets, transfers } = api.resources;
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
        cards: cards.of(accountID).map(({ brand, lastFourCardNumber }) => `${brand} ${lastFourCardNumber}`),
        bankAccounts: bankAccounts
          .of(accountID)
          .map(({ lastFourAccountNumber, status }) => `${lastFourAccountNumber} (${status})`),
      })),
    transfers: transfers.all.slice(-MOST_SHOWN).reverse().map(transferView),
    tokens: api.tokens.valid
      .slice(-MOST_SHOWN)
      .reverse()
      .map(({ token, scopes, expiresAt }) => ({ tail: tail(token), scopes: [...scopes], expiresAt })),
    faults: faults.pending.map(({ rule, left }) => {
      const effect = rule.drop ?? (rule.truncate === true ? 'cut in the middle' : (rule.status ?? 'delay'));
      const path = rule.path instanceof RegExp ? rule.path.source : rule.path;
      return `${effect} for ${left === Number.POSITIVE_INFINITY ? 'all' : left} of ${rule.method ?? 'any'} ${path}`;
    }),
  };
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

function responseBody(body: string, contentType: string): string {
  if (!contentType.includes('json')) return body;
  try {
    return maskedBody(JSON.parse(body), contentType);
  } catch {
    return body;
  }
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function cut(text: string): string {
  return text.length <= LONGEST_BODY ? text : `${text.slice(0, LONGEST_BODY)}… (${text.length} characters)`;
}
