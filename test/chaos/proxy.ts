import { createHash } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { between, dice, pick, type Random } from './random.js';
import { closed, type Head, Inbox, readHead, reset, sleep, statusOf, written } from './wire.js';

/** What may befall a request on its way, and what becomes of it. */
export const faults = {
  /** A part of the request is forwarded, then both connections are reset. */
  'reset in request': { harms: true, weight: 3 },
  /** The request is read and never forwarded; no answer. */
  'request stalled': { harms: true, weight: 1 },
  /** Forwarded only when the client has long given up. */
  'request late': { harms: true, weight: 1.5 },
  /** Forwarded and acted on; the reply is swallowed, and the connection reset. */
  'answer lost, reset': { harms: true, weight: 4 },
  /** The same, but the connection is closed in order. */
  'answer lost, closed': { harms: true, weight: 3 },
  /** The same, but the connection stays open, and silent. */
  'answer lost, stalled': { harms: true, weight: 1.5 },
  'reply cut in head': { harms: true, weight: 2 },
  'reply cut in body': { harms: true, weight: 2 },
  /** Half of the reply, then silence. */
  'reply stalled in body': { harms: true, weight: 1 },
  /** Forwarded and acted on; the reply is replaced by a gateway's 500, 502, 503 or 504. */
  '5xx after the work': { harms: true, weight: 3 },
  /** Not forwarded; answered 503 by the proxy. */
  '503 before the work': { harms: true, weight: 2 },
  /** Not forwarded; answered 429 by the proxy. */
  '429 before the work': { harms: true, weight: 2 },
  /** The reply comes whole, and the connection that the client keeps is cut soon after. */
  'kept connection cut': { harms: false, weight: 3 },
  latency: { harms: false, weight: 3 },
  /** The reply comes in small pieces. */
  pieces: { harms: false, weight: 1 },
} as const;

export type Fault = keyof typeof faults | 'none';

/** One request that reached the proxy, and what the proxy really did with it. */
export interface Exchange {
  /** From `X-Chaos-Call`; requests for tokens have none. */
  readonly call: string | undefined;
  readonly key: string | undefined;
  readonly request: string;
  /** The client's end of the connection. */
  readonly clientPort: number;
  readonly fault: Fault;
  /** Of the body, once it was read whole. */
  digest?: string;
  /** How much of the request was sent on to the sandbox. */
  forwarded: 'nothing' | 'a part' | 'all';
  /** The status of the sandbox's whole reply. */
  answered?: number;
  /** How much of a reply was sent to the client. */
  returned: 'nothing' | 'a part' | 'all';
  /** The status of that reply. */
  status?: number;
}

export interface ProxyOptions {
  readonly seed: number;
  readonly upstreamPort: number;
  /** Longer than this no client waits for one attempt. */
  readonly patienceMs: number;
  /** The share of API requests that meet with a fault that harms; as many again meet with one that should not. */
  readonly faultRate: number;
  /** The share of token requests that meet with a fault. */
  readonly tokenFaultRate: number;
  /** The share of connections that are reset before a byte was read. */
  readonly resetRate: number;
  /** A fault that every request of a call is to meet with. */
  readonly fate: (call: string) => Fault | undefined;
}

type Table = readonly (readonly [Fault, number])[];

const kinds = Object.entries(faults) as [keyof typeof faults, (typeof faults)[keyof typeof faults]][];
const harmful: Table = kinds.filter(([, { harms }]) => harms).map(([name, { weight }]) => [name, weight]);
const harmless: Table = kinds.filter(([, { harms }]) => !harms).map(([name, { weight }]) => [name, weight]);

// A token request that is not answered at all costs its whole time limit, which leaves no time for a second.
const forTokens = harmful.filter(([name]) => !/stalled|late/.test(name));

/**
 * A TCP proxy in front of the sandbox that does to each request what the seed says, and keeps account of what it
 * really forwarded and returned.
 */
export class ChaosProxy {
  readonly #options: ProxyOptions;
  readonly #clients = new Set<Socket>();
  readonly #work = new Set<Promise<unknown>>();
  readonly #seen = new Map<string, number>();
  /** Whether the last token request was harmed; the next one is not, unless the endpoint is down. */
  #tokenHarmed = false;
  readonly #counts = new Map<string, number>();
  #server: Server | undefined;
  #port = 0;
  #connections = 0;
  #closed = false;
  /** While set, every token request fails. */
  tokensDown = false;
  /** How long nobody listened, at the longest. */
  outageMs = 0;
  readonly exchanges: Exchange[] = [];
  /** Why the proxy's own account may be wrong. */
  readonly troubles: string[] = [];

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** How often each fault was done. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  async listen(): Promise<void> {
    // Nothing is to be read before it is known whether anything will be.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.#port = address.port;
    this.#server = server;
  }

  /** Nobody listens for a while: connections are refused, and those not accepted yet are reset. */
  async outage(ms: number): Promise<void> {
    this.#count('outage of the listener');
    this.#server?.close();
    const began = performance.now();
    await sleep(ms);
    for (let tries = 0; !this.#closed; tries++) {
      try {
        await this.listen();
        this.outageMs = Math.max(this.outageMs, performance.now() - began);
        return;
      } catch (error) {
        if (tries > 400) throw error;
        await sleep(5);
      }
    }
  }

  /** Resolves when nothing that was forwarded is still on its way. */
  async quiet(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled([...this.#work]);
  }

  close(): void {
    this.#closed = true;
    this.#server?.close();
    for (const client of this.#clients) client.destroy();
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    // To be reset is what these connections are for.
    client.on('error', () => undefined);
    const random = dice(this.#options.seed, 'connection', ++this.#connections);
    if (random() < this.#options.resetRate) {
      this.#count('connection reset, nothing read');
      setTimeout(() => reset(client), between(random, 0, 5));
      return;
    }
    this.#serve(client).catch((error: unknown) => {
      this.troubles.push(String(error));
      client.destroy();
    });
  }

  async #serve(client: Socket): Promise<void> {
    const { remotePort = 0 } = client;
    const inbox = new Inbox(client);
    client.resume();
    let next = await inbox.until(readHead);
    while (next !== undefined && (await this.#exchange(client, remotePort, inbox, next))) {
      next = await inbox.until(readHead);
    }
    client.destroy();
  }

  /** @returns whether the connection goes on. */
  async #exchange(client: Socket, clientPort: number, inbox: Inbox, head: Head): Promise<boolean> {
    const call = head.headers.get('x-chaos-call');
    const nth = (this.#seen.get(call ?? 'token') ?? 0) + 1;
    this.#seen.set(call ?? 'token', nth);
    const random = dice(this.#options.seed, call ?? 'token', nth);
    const fault = this.#faultFor(call, random);
    const request = head.startLine.replace(/ HTTP.*/, '');
    const key = head.headers.get('x-idempotency-key');
    const exchange: Exchange = {
      ...{ call, key, request, clientPort, fault },
      forwarded: 'nothing',
      returned: 'nothing',
    };
    this.exchanges.push(exchange);
    if (fault !== 'none') this.#count(call === undefined ? `token: ${fault}` : fault);

    if (fault === 'reset in request') {
      const part = await inbox.take(Math.ceil(between(random, 1, head.totalBytes - 1)));
      if (part !== undefined) await this.#forwardPart(exchange, part);
      reset(client);
      return false;
    }
    const whole = await inbox.take(head.totalBytes);
    if (whole === undefined) return false;
    exchange.digest = createHash('sha256').update(whole.subarray(head.headBytes)).digest('base64url');

    if (fault === 'request stalled') {
      await closed(client);
      return false;
    }
    if (fault === '429 before the work' || fault === '503 before the work') {
      return this.#give(client, exchange, refusal(fault === '429 before the work' ? 429 : 503, random));
    }
    if (fault === 'request late') await sleep(this.#options.patienceMs + between(random, 50, 400));
    if (fault === 'latency') await sleep(between(random, 1, this.#options.patienceMs / 4));
    const reply = await this.#forward(exchange, whole);
    return this.#answer(client, exchange, reply, random);
  }

  #faultFor(call: string | undefined, random: Random): Fault {
    const { faultRate, tokenFaultRate, fate } = this.#options;
    if (call === undefined) {
      // Three failures in a row end a renewal, and every call that waits for it: what resolves would be up to the seed.
      const harmed = this.tokensDown || (random() < tokenFaultRate && !this.#tokenHarmed);
      this.#tokenHarmed = harmed;
      return harmed ? pick(random, forTokens) : 'none';
    }
    const fated = fate(call);
    if (fated !== undefined) return fated;
    const lot = random();
    if (lot < faultRate) return pick(random, harmful);
    return lot < 2 * faultRate ? pick(random, harmless) : 'none';
  }

  /** Gives the client of the sandbox's reply what the fault leaves of it. */
  async #answer(client: Socket, exchange: Exchange, reply: Buffer, random: Random): Promise<boolean> {
    const end = () => (random() < 0.5 ? reset(client) : client.end());
    const head = readHead(reply);
    if (head === undefined || reply.length < head.totalBytes) {
      // The sandbox itself has cut it.
      await this.#give(client, exchange, reply, false);
      reset(client);
      return false;
    }
    const { headBytes, totalBytes } = head;
    const inBody = Math.ceil((headBytes + totalBytes) / 2) - 1;
    switch (exchange.fault) {
      case 'answer lost, reset':
        reset(client);
        return false;
      case 'answer lost, closed':
        client.end();
        return false;
      case 'answer lost, stalled':
        await closed(client);
        return false;
      case 'reply cut in head':
        await this.#give(client, exchange, reply.subarray(0, between(random, 1, headBytes - 1)), false);
        end();
        return false;
      case 'reply cut in body':
        await this.#give(client, exchange, reply.subarray(0, inBody), false);
        end();
        return false;
      case 'reply stalled in body':
        await this.#give(client, exchange, reply.subarray(0, inBody), false);
        await closed(client);
        return false;
      case '5xx after the work':
        return this.#give(client, exchange, refusal(pick(random, gatewayStatuses), random));
      case 'kept connection cut':
        await this.#give(client, exchange, reply);
        await sleep(between(random, 0, 20));
        end();
        return false;
      case 'pieces': {
        const size = Math.ceil(totalBytes / 5);
        let at = 0;
        for (; at + size < totalBytes; at += size) {
          await this.#give(client, exchange, reply.subarray(at, at + size), false);
          await sleep(between(random, 0, 4));
        }
        return this.#give(client, exchange, reply.subarray(at), true, statusOf(head));
      }
      default:
        return this.#give(client, exchange, reply);
    }
  }

  /** @returns whether the system took the bytes for the client. */
  async #give(
    client: Socket,
    exchange: Exchange,
    bytes: Buffer,
    all = true,
    status = all ? statusIn(bytes) : undefined,
  ): Promise<boolean> {
    const taken = await written(client, bytes);
    if (taken && bytes.length > 0) exchange.returned = all ? 'all' : 'a part';
    if (taken && status !== undefined) exchange.status = status;
    return taken;
  }

  #upstream(): Socket {
    const upstream = connect({ port: this.#options.upstreamPort, host: '127.0.0.1', noDelay: true });
    return upstream.on('error', () => undefined);
  }

  async #forwardPart(exchange: Exchange, part: Buffer): Promise<void> {
    const upstream = this.#upstream();
    exchange.forwarded = 'a part';
    await this.#track(written(upstream, part));
    reset(upstream);
  }

  /** Waits for the reply whether or not the client still does, so that it is known what the sandbox did. */
  #forward(exchange: Exchange, request: Buffer): Promise<Buffer> {
    return this.#track(
      (async () => {
        const upstream = this.#upstream();
        const inbox = new Inbox(upstream);
        exchange.forwarded = 'all';
        if (!(await written(upstream, request))) this.troubles.push('the sandbox took no request');
        const head = await inbox.until(readHead);
        const reply = head && (await inbox.take(head.totalBytes));
        if (head !== undefined && reply !== undefined) exchange.answered = statusOf(head);
        upstream.destroy();
        return reply ?? inbox.rest;
      })(),
    );
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    try {
      return await work;
    } finally {
      this.#work.delete(work);
    }
  }
}

const gatewayStatuses = [
  [500, 1],
  [502, 1],
  [503, 1],
  [504, 1],
] as const;

function refusal(status: number, random: Random): Buffer {
  const body = random() < 0.5 ? '<html><body>not now</body></html>' : '';
  const wait = status === 429 ? 'X-Retry-In: 60\r\n' : '';
  const type = body === '' ? '' : 'Content-Type: text/html\r\n';
  return Buffer.from(
    `HTTP/1.1 ${status} Not now\r\n${wait}${type}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function statusIn(bytes: Buffer): number | undefined {
  const head = readHead(bytes);
  return head && statusOf(head);
}
