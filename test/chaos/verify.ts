import { inspect } from 'node:util';
import { isMoovCallError } from '../../src/index.js';
import type { Attempt } from './attempts.js';
import type { Exchange } from './proxy.js';
import { type CallRecord, type Evidence, RETRIES, textIn } from './run.js';

/** Something that must not be, and the story of the call. */
export interface Problem {
  readonly what: string;
  readonly story: string;
}

export interface Figures {
  calls: number;
  /** With an idempotency key, of any kind. */
  transfers: number;
  /** Of those that nothing but the faults kept from being made; `resolvedPlain` of them were. */
  plain: number;
  resolvedPlain: number;
  resolved: number;
  /** Resolved by a 409 that answered the call's own retry. */
  resolvedByConflict: number;
  rejectedAmbiguous: number;
  rejectedUnambiguous: number;
  attempts: number;
  /** Attempts that got no reply, or 429 or 5xx. */
  harmedAttempts: number;
  retriesDenied: number;
}

export interface Verdict {
  readonly figures: Figures;
  readonly faults: ReadonlyMap<string, number>;
  /** More than one transfer, refund or account for one call. */
  readonly duplicates: readonly Problem[];
  /** A promise that was settled with something other than the truth, or a rule of sending again that was broken. */
  readonly untruths: readonly Problem[];
  /** The proxy and the witness contradict each other: the test is wrong. */
  readonly contradictions: readonly string[];
}

/** An attempt with what became of it in the proxy; a connection that was reset unread has nothing there. */
type Told = Attempt & { readonly exchange: Exchange | undefined };

/** Compares what each call was told with what the proxy really did and with what now exists in the sandbox. */
export function verify(evidence: Evidence): Verdict {
  const judge = new Judge(evidence);
  for (const call of evidence.calls) judge.call(call);
  judge.budget();
  return judge.verdict;
}

/** What a call must know of itself after these attempts, by the rule below. */
interface Knowledge {
  /** Whether the call must be ambiguous. */
  readonly ambiguous: boolean;
  /** Whether it may be: where it is unknown if a connection stood, both answers are true. */
  readonly mayBeAmbiguous: boolean;
  /** The same before the last attempt. */
  readonly before: boolean;
  readonly mayBeBefore: boolean;
}

/**
 * The rule of `ambiguous`, stated from outside. Over the attempts of a call, in order:
 *
 * - A connection that never stood (refused, or reset before the client saw it stand) carried nothing: no change.
 *   A connection that stood and then broke counts as handed over, even if the proxy has read nothing of it, since
 *   no client can know how much has left its machine.
 * - A whole 2xx settles the call: Moov has acted. A whole 5xx makes it ambiguous.
 * - Another whole 4xx says that this attempt has done nothing, and nothing of an earlier one: no change. So does the
 *   head of a 401 or 429, whatever becomes of its body.
 * - Anything else after the connection stood makes it ambiguous: no reply, a reply cut or not read to its end.
 *
 * A whole reply is one that the proxy has written and the client has read to its last byte.
 */
function knowledgeAfter(attempts: readonly Told[]): Knowledge {
  const earlier = attempts.slice(0, -1);
  return {
    ambiguous: isAmbiguousAfter(attempts, false),
    mayBeAmbiguous: isAmbiguousAfter(attempts, true),
    before: isAmbiguousAfter(earlier, false),
    mayBeBefore: isAmbiguousAfter(earlier, true),
  };
}

/** @param unknown - What to take for an attempt of which it is unknown whether its connection stood. */
function isAmbiguousAfter(attempts: readonly Told[], unknown: boolean): boolean {
  let ambiguous = false;
  for (const { connected, answered, exchange, status: head } of attempts) {
    if (!(connected === 'unknown' ? unknown : connected)) continue;
    const whole = answered ? exchange?.status : undefined;
    const status = head === 401 || head === 429 ? head : whole;
    if (status === undefined || status >= 500) ambiguous = true;
    else if (status < 300) ambiguous = false;
  }
  return ambiguous;
}

class Judge {
  readonly #evidence: Evidence;
  readonly #transfers: Evidence['sandbox']['transfers'];
  readonly #transfersByCall: ReadonlyMap<string, Evidence['sandbox']['transfers']>;
  readonly #refundsByTransfer: ReadonlyMap<string, Evidence['sandbox']['refunds']>;
  readonly #accountsByCall: ReadonlyMap<string, Evidence['sandbox']['accounts']>;
  readonly #exchanges: ReadonlyMap<string, readonly Exchange[]>;
  readonly #duplicates: Problem[] = [];
  readonly #untruths: Problem[] = [];
  readonly #contradictions: string[];
  readonly #figures: Figures = {
    calls: 0,
    transfers: 0,
    plain: 0,
    resolvedPlain: 0,
    resolved: 0,
    resolvedByConflict: 0,
    rejectedAmbiguous: 0,
    rejectedUnambiguous: 0,
    attempts: 0,
    harmedAttempts: 0,
    retriesDenied: 0,
  };
  #replays = 0;
  /** Attempts after a 429. */
  #refusals = 0;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    const { sandbox, proxy, events } = evidence;
    this.#transfers = sandbox.transfers;
    this.#transfersByCall = grouped(this.#transfers, ({ foreignID }) => foreignID);
    this.#refundsByTransfer = grouped(sandbox.refunds, ({ transferID }) => transferID);
    this.#accountsByCall = grouped(sandbox.accounts, ({ displayName }) => displayName);
    this.#exchanges = grouped(proxy.exchanges, ({ call }) => call);
    this.#contradictions = [...proxy.troubles];
    this.#figures.retriesDenied = events.get('call.budgetExhausted') ?? 0;
    const byKey = grouped(this.#transfers, ({ idempotencyKey }) => idempotencyKey);
    for (const [key, made] of byKey) {
      if (made.length > 1) this.#duplicates.push({ what: `${made.length} transfers`, story: `key ${key}` });
    }
  }

  get verdict(): Verdict {
    const { proxy, witness, sandboxFaults } = this.#evidence;
    const faults = new Map([...proxy.counts, ...sandboxFaults]);
    faults.set('connection refused', witness.misdirected);
    return {
      figures: this.#figures,
      faults,
      duplicates: this.#duplicates,
      untruths: this.#untruths,
      contradictions: this.#contradictions,
    };
  }

  call(call: CallRecord): void {
    const attempts = this.#told(call);
    const { outcome } = call;
    const found: string[] = [];
    const knowledge = knowledgeAfter(attempts);
    const made = this.#effectsOf(call);
    if (made.length > 1) {
      this.#duplicates.push({ what: `made ${made.length} times`, story: this.#story(call, attempts) });
    }
    if (outcome.state === 'pending') found.push('never settled');
    if (outcome.state === 'resolved')
      found.push(...resolvedUntruly(call, outcome, attempts, made, knowledge));
    if (outcome.state === 'rejected')
      found.push(...rejectedUntruly(call, outcome, attempts, made, knowledge));
    found.push(...sentUnsafely(call, attempts, this.#exchanges.get(call.id) ?? []));
    if (found.length > 0) {
      this.#untruths.push({ what: found.join('; '), story: this.#story(call, attempts) });
    }
    this.#count(call, attempts);
  }

  /** With a budget there are never more retries than ten, and one for every five calls. A 429 is waited for, at no cost. */
  budget(): void {
    const { calls, attempts } = this.#figures;
    const withAttempts = this.#evidence.calls.filter(({ id }) => this.#evidence.witness.of(id).length > 0);
    const retries = attempts - withAttempts.length - this.#replays - this.#refusals;
    if (this.#evidence.scenario.retryBudget && retries > 10 + calls / 5) {
      this.#untruths.push({ what: `${retries} retries for ${calls} calls`, story: 'over the retry budget' });
    }
  }

  #count({ kind, outcome }: CallRecord, attempts: readonly Told[]): void {
    const figures = this.#figures;
    const resolved = outcome.state === 'resolved';
    figures.calls++;
    if (kind.endsWith('transfer')) figures.transfers++;
    if (kind === 'transfer') {
      figures.plain++;
      if (resolved) figures.resolvedPlain++;
    }
    if (resolved) figures.resolved++;
    if (resolved && outcome.status === 409) figures.resolvedByConflict++;
    if (outcome.state === 'rejected') {
      if (isMoovCallError(outcome.error) && !outcome.error.moov.ambiguous) figures.rejectedUnambiguous++;
      else figures.rejectedAmbiguous++;
    }
    figures.attempts += attempts.length;
    for (const [index, { answered, status = 0 }] of attempts.entries()) {
      if (!answered || status === 429 || status >= 500) figures.harmedAttempts++;
      if (index === attempts.length - 1) continue;
      if (answered && status === 401) this.#replays++;
      if (status === 429) this.#refusals++;
    }
  }

  /** What exists in the sandbox because of this call alone. */
  #effectsOf({ kind, id, about }: CallRecord): readonly object[] {
    switch (kind) {
      case 'read':
        return [];
      case 'account':
        return this.#accountsByCall.get(id) ?? [];
      case 'refund':
      case 'reversal':
        return this.#refundsByTransfer.get(about?.transferID ?? '') ?? [];
      default:
        return this.#transfersByCall.get(id) ?? [];
    }
  }

  /** The attempts that the witness saw, each with its exchange: the next one of the same call on the same connection. */
  #told(call: CallRecord): Told[] {
    const left = [...(this.#exchanges.get(call.id) ?? [])];
    const attempts = this.#evidence.witness.of(call.id).map((attempt): Told => {
      const index = left.findIndex(({ clientPort }) => clientPort === attempt.port);
      return { ...attempt, exchange: index === -1 ? undefined : left.splice(index, 1)[0] };
    });
    for (const exchange of left) this.#contradictions.push(`unwitnessed: ${inspect(exchange)}`);
    for (const attempt of attempts) {
      const { answered, status, exchange } = attempt;
      if (answered && (exchange?.returned !== 'all' || exchange.status !== status)) {
        this.#contradictions.push(`a reply that was not written: ${inspect(attempt)}`);
      }
      // The sandbox is the proxy's alone: what exists there has been forwarded.
      if (exchange?.answered !== undefined && exchange.forwarded !== 'all') {
        this.#contradictions.push(`a reply to nothing: ${inspect(attempt)}`);
      }
    }
    return attempts;
  }

  #story(call: CallRecord, attempts: readonly Told[]): string {
    const { outcome } = call;
    const told =
      outcome.state === 'rejected' && outcome.error instanceof Error
        ? `${outcome.error.name}: ${outcome.error.message} ${inspect('moov' in outcome.error ? outcome.error.moov : undefined)}`
        : inspect(outcome, { depth: 3, breakLength: 200, maxStringLength: 60 });
    const lines = attempts.map((attempt, index) => {
      const { exchange, connected, reused, misdirected, answered, status, at } = attempt;
      const seen = exchange
        ? `proxy: ${exchange.fault}, forwarded ${exchange.forwarded}, sandbox said ${exchange.answered}, returned ${exchange.returned} (${exchange.status})`
        : 'proxy: saw nothing';
      return `  attempt ${index + 1} at +${Math.round(at - call.began)} ms: ${
        misdirected ? 'misdirected, ' : ''
      }${reused ? `kept connection, connected: ${connected}` : connected ? 'connected' : 'not connected'}, client read ${status ?? 'no status'}${
        answered ? ', all' : ''
      }; ${seen}`;
    });
    const { kind, id, key, amount, about } = call;
    const body = `${kind} ${id}, key ${key}, amount ${amount}${about ? `, about ${about.id}` : ''}`;
    const exists = inspect(this.#effectsOf(call), { depth: 1, breakLength: 200, maxStringLength: 60 });
    return [body, ...lines, `  told: ${told}`, `  exists: ${exists}`].join('\n');
  }
}

function resolvedUntruly(
  call: CallRecord,
  { status, data }: { status: number; data: unknown },
  attempts: readonly Told[],
  made: readonly object[],
  { mayBeBefore }: Knowledge,
): string[] {
  const found: string[] = [];
  const { kind, key, amount, about } = call;
  const last = attempts.at(-1);
  if (!last?.answered || last.exchange?.status !== status)
    found.push('resolved with a reply that did not come');
  if (status === 409 && !mayBeBefore)
    found.push('a 409 that no attempt of its own can have caused was accepted');
  if (status !== 409 && (status < 200 || status >= 300)) found.push(`resolved with ${status}`);
  if (kind === 'wrong transfer') found.push('resolved, though refused');
  if (kind === 'contradicting transfer') found.push('resolved with the transfer of another');
  if (kind === 'repeated transfer' && status !== 409) found.push('made a second time');
  if (kind === 'reversal' && status === 409) found.push('resolved by a 409 that says nothing');
  const [effect] = made;
  const expectations: [string, unknown, unknown][] = [];
  switch (kind) {
    case 'read':
    case 'repeated transfer':
      expectations.push(['transferID', textIn(data, 'transferID'), about?.transferID]);
      expectations.push(['amount', valueIn(data), about?.amount]);
      break;
    case 'refund':
    case 'reversal': {
      const refund: unknown = kind === 'refund' ? data : fieldOf(data, 'refund');
      expectations.push(['refundID', textIn(refund, 'refundID') ?? 'none', textIn(effect, 'refundID')]);
      expectations.push(['amount', valueIn(refund), amount], ['its amount', valueIn(effect), amount]);
      expectations.push(['its key', textIn(effect, 'idempotencyKey'), key]);
      break;
    }
    case 'account':
      expectations.push(['accountID', textIn(data, 'accountID') ?? 'none', textIn(effect, 'accountID')]);
      break;
    default:
      expectations.push(['transferID', textIn(data, 'transferID') ?? 'none', textIn(effect, 'transferID')]);
      expectations.push(['its amount', valueIn(effect), amount]);
      expectations.push(['its key', textIn(effect, 'idempotencyKey'), key]);
      // Only a caller who waits for the rail is told the amount.
      expectations.push(['amount', valueIn(data) ?? amount, amount]);
  }
  for (const [what, got, wanted] of expectations) {
    if (got !== wanted)
      found.push(`resolved with ${what} ${inspect(got)}, where ${inspect(wanted)} is the truth`);
  }
  return found;
}

function rejectedUntruly(
  call: CallRecord,
  { error }: { error: unknown },
  attempts: readonly Told[],
  made: readonly object[],
  knowledge: Knowledge,
): string[] {
  const found: string[] = [];
  if (!isMoovCallError(error)) return [`rejected without error.moov: ${inspect(error, { depth: 0 })}`];
  const { ambiguous } = error.moov;
  const last = attempts.at(-1);
  const status = last?.answered ? (last.exchange?.status ?? 0) : 0;
  if (!ambiguous && made.length > 0) found.push('said not to be ambiguous, and it exists');
  if (ambiguous && !knowledge.mayBeAmbiguous) {
    found.push(
      'said to be ambiguous, though nothing was handed over, or every attempt was settled by a reply',
    );
  }
  if (!ambiguous && knowledge.ambiguous)
    found.push('said not to be ambiguous, though an attempt is unsettled');
  if (status >= 200 && status < 300) found.push('rejected after a whole reply that said it was done');
  const hasOriginal = /^(transfer|streamed|aborted|repeated|refund)/.test(call.kind);
  if (status === 409 && knowledge.before && hasOriginal)
    found.push('rejected although the original came back');
  return found;
}

function sentUnsafely(call: CallRecord, attempts: readonly Told[], exchanges: readonly Exchange[]): string[] {
  const found: string[] = [];
  const { key, kind, outcome, began, timeoutMs } = call;
  if (key === undefined && kind === 'account') {
    // Whatever was handed over may have been acted on, unless Moov refused it unread.
    const again = attempts
      .slice(0, -1)
      .find(
        ({ connected, answered, status }) =>
          connected === true && !(answered && status === 401) && status !== 429,
      );
    if (again !== undefined) found.push('sent twice without a key');
  }
  if (exchanges.some((exchange) => exchange.key !== key)) found.push('sent with another key');
  const digests = new Set(exchanges.flatMap(({ digest }) => digest ?? []));
  if (digests.size > 1) found.push('sent with other bytes');
  const replays = attempts.filter(({ answered, status }) => answered && status === 401).length;
  const refusals = attempts.filter(({ status }) => status === 429).length;
  if (attempts.length - refusals > 1 + RETRIES + Math.min(1, replays))
    found.push(`sent ${attempts.length} times`);
  if (outcome.state === 'pending') return found;
  if (call.attempts !== attempts.length)
    found.push(`said to be ${call.attempts} attempts, and were ${attempts.length}`);
  if (attempts.some(({ at }) => at > outcome.at)) found.push('sent after it was settled');
  // Generous, as two cores may be busy with other tests.
  if (outcome.at - began > timeoutMs + 2_000) found.push(`settled after ${outcome.at - began} ms`);
  return found;
}

/** The cents of a transfer or a refund. */
function valueIn(value: unknown): unknown {
  return fieldOf(fieldOf(value, 'amount'), 'value');
}

function fieldOf(value: unknown, name: string): unknown {
  return value instanceof Object ? Reflect.get(value, name) : undefined;
}

function grouped<T>(all: readonly T[], by: (one: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const name = by(one);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return groups;
}
