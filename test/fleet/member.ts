// One process of a fleet: calls Moov at a steady pace from when it is told to until it is told to stop, and reports.
import { createClient } from 'redis';
import { type MoovAuthEvent, moovAuth } from '../../src/index.js';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.js';
import { members, type Order, type Report, type Setup } from './protocol.js';

const PACE_MS = 100;

const setup: Setup = JSON.parse(process.env.FLEET_SETUP ?? '');
const client = createClient({ url: setup.redisURL });
client.on('error', () => undefined);
const report: Report = { calls: 0, failures: [], longestMs: 0, events: {}, commands: 0 };

if (setup.shares) await client.connect();

const moov = moovAuth('/ping.read', {
  baseURL: setup.baseURL,
  origin: 'https://app.example.com',
  clientId: setup.clientId,
  clientSecret: () => {
    // It is read when a token is about to be asked for.
    tell({ minting: true });
    return setup.clientSecret;
  },
  tokenTimeoutMs: members.tokenTimeoutMs,
  onEvent: count,
  ...(setup.shares
    ? {
        store: redisTokenStore({
          client: counted(client),
          encryptionKey: setup.encryptionKey,
          lockTtlMs: members.lockTtlMs,
        }),
      }
    : {}),
});
await firstToken(10);
tell({ ready: true });

let pace: NodeJS.Timeout | undefined;
const running = new Set<Promise<void>>();

process.on('message', async (order: Order) => {
  if (order === 'call') {
    pace = setInterval(() => {
      const call = callOnce().finally(() => running.delete(call));
      running.add(call);
    }, PACE_MS);
  } else if (order === 'revoke') {
    await moov.revoke();
  } else {
    clearInterval(pace);
    await Promise.all(running);
    await moov.close();
    if (client.isOpen) client.destroy();
    tell({ report });
    process.disconnect();
  }
});

/** Many processes start at once, and on a busy machine the first token may not be there within `tokenTimeoutMs`. */
async function firstToken(tries: number): Promise<void> {
  try {
    await moov.ready();
  } catch (error) {
    if (tries === 1) throw error;
    await firstToken(tries - 1);
  }
}

async function callOnce(): Promise<void> {
  const began = performance.now();
  try {
    await moov.client.get('/ping');
  } catch (error) {
    report.failures.push(String(error));
  }
  report.calls++;
  report.longestMs = Math.max(report.longestMs, performance.now() - began);
}

function count({ type }: MoovAuthEvent): void {
  report.events[type] = (report.events[type] ?? 0) + 1;
}

function tell(message: object): void {
  if (process.connected) process.send?.(message);
}

/** The client as the store sees it, with what it is given to do counted. */
function counted(client: RedisClient): RedisClient {
  return {
    get isOpen() {
      return client.isOpen;
    },
    sendCommand: (args, options) => {
      report.commands++;
      return client.sendCommand(args, options);
    },
    duplicate: () => client.duplicate(),
  };
}
