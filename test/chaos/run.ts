import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import {
  idempotencyKey,
  type MoovAuth,
  type MoovAuthEvent,
  MoovUnavailableError,
  moovAuth,
  moovPath,
} from '../../src/index.js';
import { createMoovSandbox, type FaultRule, type MoovSandbox } from '../../src/sandbox/index.js';
import { parties, payable } from '../helpers/payable.js';
import type { Witness } from './attempts.js';
import { HTTPWitness } from './http-witness.js';
import { ChaosProxy, type Fault } from './proxy.js';
import { between, dice, pick, type Random } from './random.js';
import { UndiciWitness } from './undici-witness.js';
import { sleep } from './wire.js';

/** How rough a run is. All shares are of 1. */
export interface Scenario {
  readonly name: string;
  /** Transfers with an idempotency key to try. */
  readonly transfers: number;
  readonly retryBudget: boolean;
  /** Without it a 429 costs a retry, as other faults do. */
  readonly rateLimit: boolean;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** API requests that meet with a harmful fault in the proxy. */
  readonly faultRate: number;
  /** New connections that are refused. */
  readonly refuseRate: number;
  /** Connections that the proxy resets before it has read a byte. */
  readonly resetRate: number;
  /** Calls before which a fault is put into the sandbox itself. */
  readonly sandboxFaultRate: number;
  /** Calls of which every attempt meets with the same fault. */
  readonly doomRate: number;
  /** Token requests that meet with a fault. */
  readonly tokenFaultRate: number;
  /** Whether the token endpoint is down, with no token held, for a while. */
  readonly tokenOutage?: boolean;
}

/** What a call is for. */
export type Kind =
  | 'transfer'
  /** A transfer whose body is a stream, which can't be sent twice. */
  | 'streamed transfer'
  /** A transfer that its caller aborts. */
  | 'aborted transfer'
  /** A transfer with little time, of which no attempt is answered. */
  | 'hurried transfer'
  /** A transfer that Moov refuses with 422. */
  | 'wrong transfer'
  /** An earlier transfer again, with its key, by a caller who does not know. */
  | 'repeated transfer'
  /** Another transfer under an earlier one's key. */
  | 'contradicting transfer'
  | 'refund'
  | 'reversal'
  /** A POST without a key. */
  | 'account'
  | 'read';

const mix: readonly (readonly [Kind, number])[] = [
  ['transfer', 80],
  ['streamed transfer', 2],
  ['aborted transfer', 3],
  ['hurried transfer', 1],
  ['wrong transfer', 2],
  ['repeated transfer', 2],
  ['contradicting transfer', 3],
  ['refund', 4],
  ['reversal', 2],
  ['account', 5],
  ['read', 5],
];

export type Outcome =
  | { readonly state: 'pending' }
  | { readonly state: 'resolved'; readonly at: number; readonly status: number; readonly data: unknown }
  | { readonly state: 'rejected'; readonly at: number; readonly error: unknown };

export interface CallRecord {
  readonly id: string;
  readonly kind: Kind;
  readonly key: string | undefined;
  readonly amount: number;
  /** The transfer that is repeated, refunded or read. */
  readonly about: (CallRecord & { readonly transferID: string }) | undefined;
  readonly timeoutMs: number;
  readonly began: number;
  attempts: number | undefined;
  outcome: Outcome;
}

/** All that is known of a run once nothing moves any more. */
export interface Evidence {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly calls: readonly CallRecord[];
  readonly proxy: ChaosProxy;
  readonly witness: Witness;
  readonly sandbox: MoovSandbox;
  readonly events: ReadonlyMap<MoovAuthEvent['type'], number>;
  readonly sandboxFaults: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** The longest time for which this process got nothing done; nothing is answered in that time either. */
  readonly longestPauseMs: number;
}

export const RETRIES = 3;
const CONCURRENCY = 50;
const HURRY_MS = 600;
/**
 * Between two times at which all tokens end. Longer than any call lives: one that has been replayed already and meets
 * with a second 401 makes the token's source stop renewing for 5 s, as it should when a new token does not help.
 */
const EXPIRY_MS = 7_000;
const FIRST_EXPIRY_MS = 1_000;

/** What befalls each attempt of a call that is doomed. */
/** Every transport, with what watches it. */
export const witnesses = { undici: UndiciWitness, axios: HTTPWitness };

type Doom = Fault | 'refused';
const allDooms: readonly (readonly [Doom, number])[] = [
  ['refused', 3],
  ['429 before the work', 2],
  ['503 before the work', 1],
  ['5xx after the work', 1],
  ['answer lost, reset', 2],
  ['reset in request', 1],
  ['reply cut in body', 1],
  ['request late', 1],
];

const nextTransfer = { method: 'POST', path: /\/transfers$/ } as const;
const sandboxFaults = (
  [
    ['sandbox: 500', { ...nextTransfer, status: 500, body: { error: 'failed' } }],
    ['sandbox: 503', { ...nextTransfer, status: 503, headers: { 'retry-after': '1' } }],
    ['sandbox: 429', { ...nextTransfer, status: 429, headers: { 'x-retry-in': '80' } }],
    ['sandbox: dropped before', { ...nextTransfer, drop: 'before' }],
    ['sandbox: dropped after', { ...nextTransfer, drop: 'after' }],
    ['sandbox: truncated', { ...nextTransfer, truncate: true }],
    ['sandbox: slow', { ...nextTransfer, delayMs: 1_200 }],
  ] satisfies [string, FaultRule][]
).map((fault): readonly [typeof fault, number] => [fault, 1]);

/**
 * Makes calls through a `moovAuth` whose only way to the sandbox leads through a {@link ChaosProxy}, until so many
 * transfers were tried or the time is up.
 *
 * @param until - On the monotonic clock.
 */
export async function runChaos(
  scenario: Scenario,
  seed: number,
  transport: keyof typeof witnesses,
  until = Number.POSITIVE_INFINITY,
): Promise<Evidence> {
  const began = performance.now();
  const pauses = monitorEventLoopDelay();
  pauses.enable();
  const sandbox = createMoovSandbox({ seed: payable });
  const upstreamPort = Number(new URL(await sandbox.listen()).port);
  const dooms = new Map<string, Doom>();
  const { faultRate, tokenFaultRate, resetRate, refuseRate } = scenario;
  const proxy = new ChaosProxy({
    ...{ seed, upstreamPort, faultRate, tokenFaultRate, resetRate },
    patienceMs: scenario.attemptTimeoutMs,
    fate: (call) => {
      const doom = dooms.get(call);
      return doom === 'refused' ? undefined : doom;
    },
  });
  await proxy.listen();
  const witness = new witnesses[transport](
    (call, nth) => dooms.get(call) === 'refused' || dice(seed, call, 'connect', nth)() < refuseRate,
  );
  const events = new Map<MoovAuthEvent['type'], number>();
  const moov = moovAuth(scopesFor(sandbox), {
    ...sandbox.credentials,
    ...(sandbox.origins[0] === undefined ? {} : { origin: sandbox.origins[0] }),
    baseURL: proxy.url,
    timeoutMs: scenario.timeoutMs,
    attemptTimeoutMs: scenario.attemptTimeoutMs,
    tokenTimeoutMs: 2_000,
    retries: RETRIES,
    retryBudget: scenario.retryBudget,
    ...(scenario.rateLimit ? {} : { rateLimit: false }),
    ...witness.options,
    onEvent: ({ type }) => events.set(type, (events.get(type) ?? 0) + 1),
  });
  const workload = new Workload(scenario, seed, { sandbox, witness, moov, dooms });
  try {
    await anyhow(() => moov.ready());
    const trouble = makeTrouble(scenario, seed, sandbox, proxy, () => workload.ended);
    await workload.run(until);
    await trouble;
    await proxy.quiet();
  } finally {
    pauses.disable();
    await moov.close();
    await witness.close();
    proxy.close();
    await sandbox.close();
  }
  const seconds = (performance.now() - began) / 1000;
  const { calls, sandboxFaults } = workload;
  const longestPauseMs = pauses.max / 1e6;
  return { scenario, seed, calls, proxy, witness, sandbox, events, sandboxFaults, seconds, longestPauseMs };
}

function scopesFor({ platformAccountID }: MoovSandbox) {
  return [
    '/accounts.write',
    `/accounts/${platformAccountID}/transfers.read`,
    `/accounts/${platformAccountID}/transfers.write`,
  ] as const;
}

/** Until the calls have ended: tokens expire, are revoked or are not available, and no server listens. */
async function makeTrouble(
  scenario: Scenario,
  seed: number,
  sandbox: MoovSandbox,
  proxy: ChaosProxy,
  ended: () => boolean,
): Promise<void> {
  const random = dice(seed, 'trouble');
  for (let round = 0; ; round++) {
    for (let slept = 0; slept < (round === 0 ? FIRST_EXPIRY_MS : EXPIRY_MS); slept += 100) {
      await sleep(100);
      if (ended()) return;
    }
    if (scenario.tokenOutage && round % 2 === 0) proxy.tokensDown = true;
    if (random() < 0.5) sandbox.expireTokens();
    else sandbox.revokeTokens();
    await proxy.outage(between(random, 20, 80));
    if (!proxy.tokensDown) continue;
    await sleep(1_500);
    proxy.tokensDown = false;
  }
}

interface Surroundings {
  readonly sandbox: MoovSandbox;
  readonly witness: Witness;
  readonly moov: MoovAuth;
  /** By call. */
  readonly dooms: Map<string, Doom>;
}

/** The callers: so many at a time, each with one call after the other. */
class Workload {
  readonly #scenario: Scenario;
  readonly #seed: number;
  readonly #around: Surroundings;
  readonly #made: (CallRecord & { transferID: string })[] = [];
  readonly #givenBack = new Set<string>();
  #transfers = 0;
  ended = false;
  readonly calls: CallRecord[] = [];
  readonly sandboxFaults = new Map<string, number>();

  constructor(scenario: Scenario, seed: number, around: Surroundings) {
    this.#scenario = scenario;
    this.#seed = seed;
    this.#around = around;
  }

  async run(until: number): Promise<void> {
    const worker = async () => {
      while (this.#transfers < this.#scenario.transfers && performance.now() < until) await this.#one();
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    this.ended = true;
  }

  async #one(): Promise<void> {
    const number = this.calls.length;
    const id = `${this.#seed}-${number}`;
    const random = dice(this.#seed, id, 'what');
    const { kind, about } = this.#choose(random);
    if (kind.endsWith('transfer')) this.#transfers++;
    const call: CallRecord = {
      id,
      kind,
      key: keyFor(kind, id, about),
      amount: amountFor(kind, number, about),
      about,
      timeoutMs: kind === 'hurried transfer' ? HURRY_MS : this.#scenario.timeoutMs,
      began: performance.now(),
      attempts: undefined,
      outcome: { state: 'pending' },
    };
    this.calls.push(call);
    if (kind === 'hurried transfer') this.#around.dooms.set(id, 'answer lost, stalled');
    else if (random() < this.#scenario.doomRate) this.#around.dooms.set(id, pick(random, allDooms));
    if (random() < this.#scenario.sandboxFaultRate) this.#failSandbox(random);
    await within(this.#scenario.timeoutMs + 5_000, this.#send(call, random));
    const { outcome } = call;
    if (outcome.state === 'resolved' && kind === 'transfer') {
      const transferID = textIn(outcome.data, 'transferID');
      if (transferID !== undefined) this.#made.push(Object.assign(call, { transferID }));
    }
    if (outcome.state === 'rejected') await sleep(pauseAfter(outcome.error));
  }

  /** What needs an earlier transfer is a transfer itself while there is none. */
  #choose(random: Random): { kind: Kind; about: CallRecord['about'] } {
    const kind = pick(random, mix);
    if (!/repeated|contradicting|refund|reversal|read/.test(kind)) return { kind, about: undefined };
    const givesBack = kind === 'refund' || kind === 'reversal';
    const candidates = givesBack ? this.#made.filter(({ id }) => !this.#givenBack.has(id)) : this.#made;
    const about = candidates[Math.floor(random() * candidates.length)];
    if (about === undefined) return { kind: 'transfer', about };
    if (givesBack) this.#givenBack.add(about.id);
    return { kind, about };
  }

  async #send(call: CallRecord, random: Random): Promise<void> {
    const { witness, moov, dooms } = this.#around;
    const { method, url, body } = this.#request(call);
    // Only a new connection can be refused.
    const fresh = dooms.get(call.id) === 'refused' || random() < 0.3;
    const { data, headers } = inSomeForm(call.kind, body, random);
    const waits = random() < 0.3;
    const controller = new AbortController();
    if (call.kind === 'aborted transfer') setTimeout(() => controller.abort(), between(random, 0, 300));
    const settled = (outcome: Outcome, carrier: unknown) => {
      call.outcome = outcome;
      const info = carrier instanceof Object && 'moov' in carrier ? carrier.moov : undefined;
      if (info instanceof Object && 'attempts' in info) call.attempts = Number(info.attempts);
    };
    await moov.client
      .request<unknown>({
        ...{ method, url, data },
        headers: {
          ...headers,
          'X-Chaos-Call': call.id,
          ...(call.key === undefined ? {} : { 'X-Idempotency-Key': call.key }),
          ...(waits ? { 'X-Wait-For': 'rail-response' } : {}),
        },
        ...(fresh ? witness.freshly(call.id) : {}),
        signal: controller.signal,
        timeout: call.timeoutMs,
      })
      .then(
        (response) => {
          const { status, data: given } = response;
          settled({ state: 'resolved', at: performance.now(), status, data: given }, response);
        },
        (error: unknown) => settled({ state: 'rejected', at: performance.now(), error }, error),
      );
  }

  #request(call: CallRecord): { method: 'GET' | 'POST'; url: string; body: object | undefined } {
    const { kind, id, amount, about } = call;
    const platform = this.#around.sandbox.platformAccountID;
    const { transferID = '' } = about ?? {};
    switch (kind) {
      case 'account': {
        const body = { accountType: 'business', profile: { business: { legalBusinessName: id } } };
        return { method: 'POST', url: '/accounts', body };
      }
      case 'read':
        return {
          method: 'GET',
          url: moovPath`/accounts/${platform}/transfers/${transferID}`,
          body: undefined,
        };
      case 'refund':
      case 'reversal': {
        const url = `${moovPath`/accounts/${platform}/transfers/${transferID}`}/${kind}s`;
        return { method: 'POST', url, body: { amount } };
      }
      default: {
        const foreignID = kind === 'repeated transfer' ? (about?.id ?? id) : id;
        return {
          method: 'POST',
          url: moovPath`/accounts/${platform}/transfers`,
          body: {
            amount: { currency: 'USD', value: amount },
            ...parties,
            foreignID,
            description: description(foreignID, this.#seed),
          },
        };
      }
    }
  }

  /** A fault inside the sandbox, for whichever transfer comes next. */
  #failSandbox(random: Random): void {
    const [name, rule] = pick(random, sandboxFaults);
    this.sandboxFaults.set(name, (this.sandboxFaults.get(name) ?? 0) + 1);
    this.#around.sandbox.fail(rule);
  }
}

function keyFor(kind: Kind, id: string, about: CallRecord['about']): string | undefined {
  if (kind === 'account' || kind === 'read') return undefined;
  if (kind === 'repeated transfer' || kind === 'contradicting transfer') return about?.key;
  return idempotencyKey('chaos', id);
}

function amountFor(kind: Kind, number: number, about: CallRecord['about']): number {
  if (kind === 'wrong transfer') return 0;
  if (kind === 'repeated transfer') return about?.amount ?? 0;
  return kind === 'refund' || kind === 'reversal' ? 1 + (number % 99) : 100 + number;
}

/** Now and then a text so long that a connection can break while it is being sent. */
function description(id: string, seed: number): string {
  return dice(seed, id, 'length')() < 0.02 ? 'long '.repeat(60_000) : `chaos ${id}`;
}

/** An object, or its JSON as a string, a Buffer or a stream. */
function inSomeForm(
  kind: Kind,
  body: object | undefined,
  random: Random,
): { data?: unknown; headers: Record<string, string> } {
  const lot = random();
  if (body === undefined) return { headers: {} };
  const json = Buffer.from(JSON.stringify(body));
  const headers = { 'Content-Type': 'application/json' };
  if (kind === 'streamed transfer') {
    return { data: Readable.from([json]), headers: { ...headers, 'Content-Length': String(json.length) } };
  }
  if (lot < 0.15) return { data: json.toString(), headers };
  return lot < 0.3 ? { data: json, headers } : { data: body, headers: {} };
}

/** As a caller that was told to come back later. Without a token, or without a connection, a call fails at once. */
function pauseAfter(error: unknown): number {
  if (error instanceof MoovUnavailableError) {
    return Math.min(2_000, Number(error.headers?.['Retry-After'] ?? 0) * 1_000);
  }
  return error instanceof Object && 'status' in error && error.status === 401 ? 1_000 : 50;
}

export function textIn(value: unknown, name: string): string | undefined {
  const found: unknown = value instanceof Object ? Reflect.get(value, name) : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** Waits for the work, but not for ever. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Waits for a token, also when the first attempts to get one fail. */
async function anyhow(ready: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await ready();
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}
