import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type MoovAuth, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { listen } from '../helpers/apps.js';
import { allScopes, startSandbox } from '../helpers/moov.js';

/** A request as it passed the relay, with what the sandbox does not keep: its form. */
export interface Relayed {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  /** The fields of the reply, which the sandbox has given although nobody may know yet; until then none. */
  reply: Readonly<Record<string, unknown>>;
}

export interface Relay {
  readonly url: string;
  readonly requests: readonly Relayed[];
  /** The forms of all revocations, in the order in which they arrived. */
  readonly revocations: readonly Readonly<Record<string, string>>[];
  /** What requests for a path are answered with from now on, instead of by the sandbox; `undefined` ends that. */
  answer(path: string, status: number | undefined, headers?: Record<string, string>, body?: string): void;
  /** Keeps back the next reply to a request for this path: the sandbox has acted, and nobody knows yet. */
  holdNextReply(path: string): { readonly reached: Promise<void>; release(): void };
}

/** Stands in front of a sandbox, writes down forms, and fails or keeps back replies until a test has seen enough. */
export async function startRelay(sandbox: MoovSandbox): Promise<Relay> {
  const requests: Relayed[] = [];
  const answers = new Map<string, { status: number; headers: Record<string, string>; body: string }>();
  const holds = new Map<string, { reach: () => void; released: Promise<void> }>();

  const port = await listen(async (incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const content = await buffer(incoming);
    const form = Object.fromEntries(new URLSearchParams(content.toString('utf8')));
    const relayed: Relayed = { path, form, reply: {} };
    requests.push(relayed);
    const instead = answers.get(path);
    if (instead !== undefined)
      return void outgoing.writeHead(instead.status, instead.headers).end(instead.body);
    const method = incoming.method ?? 'GET';
    const onward = request(`${sandbox.url}${path}`, { method, headers: incoming.headers }, async (reply) => {
      const body = await buffer(reply);
      if (body.length > 0) relayed.reply = JSON.parse(body.toString('utf8'));
      const hold = holds.get(path);
      holds.delete(path);
      hold?.reach();
      await hold?.released;
      outgoing.writeHead(reply.statusCode ?? 0, reply.headers).end(body);
    });
    // What the sandbox cuts off is cut off here too.
    onward.once('error', () => outgoing.destroy());
    onward.end(content);
  });

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    get revocations() {
      return requests.filter(({ path }) => path === '/oauth2/revoke').map(({ form }) => form);
    },
    answer(path, status, headers = {}, body = '') {
      if (status === undefined) answers.delete(path);
      else answers.set(path, { status, headers, body });
    },
    holdNextReply(path) {
      const reached = signal();
      const released = signal();
      holds.set(path, { reach: reached.give, released: released.given });
      return { reached: reached.given, release: released.give };
    },
  };
}

function signal(): { given: Promise<void>; give: () => void } {
  let give: () => void = () => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** A `moovAuth` that talks to a sandbox through a relay, until the end of the test. */
export async function startBehindRelay(
  options: MoovAuthOptions = {},
): Promise<{ sandbox: MoovSandbox; relay: Relay; moov: MoovAuth }> {
  const sandbox = await startSandbox();
  const relay = await startRelay(sandbox);
  const moov = moovAuth(allScopes(sandbox), { ...sandbox.options, baseURL: relay.url, ...options });
  onTestFinished(() => moov.close());
  return { sandbox, relay, moov };
}
