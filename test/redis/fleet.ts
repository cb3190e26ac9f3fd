import { onTestFinished, vi } from 'vitest';
import { type MoovAuth, type MoovAuthEvent, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { type RedisClient, type RedisTokenStoreOptions, redisTokenStore } from '../../src/redis/index.js';
import type { MoovSandbox, MoovSandboxOptions } from '../../src/sandbox/index.js';
import { type Relay, startRelay } from '../express/relay.js';
import { startSandbox, until } from '../helpers/moov.js';
import { RedisServer } from '../helpers/redis.js';
import { RecordingClient } from '../helpers/redis-clients.js';

export const encryptionKey = Buffer.alloc(32, 7);

/** One process of a fleet: a `MoovAuth` with a client of its own. */
export interface Member {
  readonly moov: MoovAuth;
  readonly client: RecordingClient;
  readonly events: readonly MoovAuthEvent[];
  count(type: MoovAuthEvent['type']): number;
  /** How many renewals at Moov, and takings from the store, there were. */
  got(): { minted: number; taken: number };
}

export interface Fleet {
  readonly redis: RedisServer;
  readonly sandbox: MoovSandbox;
  readonly relay: Relay;
  /** Another process. Its first token is under way, and not awaited. */
  join(options?: MoovAuthOptions, more?: Partial<RedisTokenStoreOptions>): Promise<Member>;
  /** Another process that has its first token. */
  joined(options?: MoovAuthOptions, more?: Partial<RedisTokenStoreOptions>): Promise<Member>;
}

/** A Redis, a sandbox (without refresh tokens, unless asked for) behind a relay, and as many processes as a test wants. */
export async function startFleet(
  sandboxOptions: MoovSandboxOptions = {},
  redisSettings: Readonly<Record<string, string>> = {},
): Promise<Fleet> {
  const [redis, sandbox] = [
    await RedisServer.start(redisSettings),
    await startSandbox({ refreshTokens: false, ...sandboxOptions }),
  ];
  const relay = await startRelay(sandbox);
  const join: Fleet['join'] = async (options = {}, more = {}) => {
    const client = new RecordingClient(more.client ?? (await redis.client()));
    return member(client, { ...sandbox.options, baseURL: relay.url, ...options }, more);
  };
  return {
    redis,
    sandbox,
    relay,
    join,
    async joined(options, more) {
      const one = await join(options, more);
      await one.moov.ready();
      return one;
    },
  };
}

function member(
  client: RecordingClient,
  options: MoovAuthOptions,
  more: Partial<RedisTokenStoreOptions>,
): Member {
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth('/ping.read', {
    store: redisTokenStore({ encryptionKey, ...more, client }),
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => moov.close());
  const count = (type: MoovAuthEvent['type']) => events.filter((event) => event.type === type).length;
  return {
    moov,
    client,
    events,
    count,
    got: () => ({ minted: count('token.obtained') + count('token.renewed'), taken: count('token.taken') }),
  };
}

/** Renews until Redis is found to be back. A clock that is held moves on to the next time that it is tried. */
export async function untilAvailable(...members: readonly Member[]): Promise<void> {
  for (const one of members) {
    const end = Date.now() + 15_000;
    while (one.count('store.available') === 0) {
      if (Date.now() > end) throw new Error('Redis is not found to be back');
      if (vi.isFakeTimers()) vi.advanceTimersByTime(1_101);
      await one.moov.renew();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Waits until the second connection of a member listens, which changes that are told prove. */
export async function untilListening(fleet: Fleet, ...members: readonly Member[]): Promise<void> {
  const ask = await fleet.redis.client();
  for (const { client } of members) {
    const before = client.messages.length;
    const end = Date.now() + 10_000;
    while (client.messages.length === before) {
      if (Date.now() > end) throw new Error('nobody listens');
      await ask.publish('moov:changes', 'stored probe');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Waits until a member waits for the lock of somebody else. */
export function untilHeld({ client }: Member): Promise<void> {
  const held = () => client.answers.some((answer) => Array.isArray(answer) && answer[0] === 'held');
  return until(held, 'the lock is held by somebody else');
}

/** A client whose commands a test may keep, delay or refuse before or after Redis has done them. */
export function through(
  client: RedisClient,
  pass: (next: () => Promise<unknown>, args: readonly string[]) => Promise<unknown>,
): RedisClient {
  return {
    get isOpen() {
      return client.isOpen;
    },
    // Without the signal, as it is for what Redis has been sent already.
    sendCommand: (args) => pass(() => client.sendCommand(args), args),
    duplicate: () => client.duplicate(),
  };
}
