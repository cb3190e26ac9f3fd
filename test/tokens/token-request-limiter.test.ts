import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MoovUnavailableError } from '../../src/errors.js';
import { TokenRequestLimiter } from '../../src/tokens/token-request-limiter.js';
import { rejection } from '../helpers/printed.js';

const never = new AbortController().signal;
const noSleep = () => Promise.reject(new Error('nothing was held'));

/** A gate whose ten places are taken. */
async function fullGate(): Promise<TokenRequestLimiter> {
  const gate = new TokenRequestLimiter();
  for (let place = 0; place < 10; place++) await gate.enter(never, 1_000, noSleep, 'account');
  return gate;
}

/** Enters, and writes its name down when it is in. */
async function enter(
  gate: TokenRequestLimiter,
  name: string,
  entered: string[],
  signal = never,
): Promise<void> {
  await gate.enter(signal, 1_000, noSleep, 'account');
  entered.push(name);
}

/** What is due in this turn has happened. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the limiter of token requests', () => {
  it('sends ten at once, and the others first come, first served', async () => {
    const gate = await fullGate();
    const entered: string[] = [];
    const waiting = ['a', 'b'].map((name) => enter(gate, name, entered));
    await turn();
    expect(entered).toEqual([]);
    gate.leave();
    await turn();
    expect(entered).toEqual(['a']);
    gate.leave();
    await Promise.all(waiting);
    expect(entered).toEqual(['a', 'b']);
  });

  it('an aborted caller leaves the queue, with the reason', async () => {
    const gate = await fullGate();
    const entered: string[] = [];
    const controller = new AbortController();
    const gaveUp = rejection(enter(gate, 'gave up', entered, controller.signal));
    const next = enter(gate, 'next', entered);
    const reason = new Error('no time left');
    controller.abort(reason);
    expect(await gaveUp).toBe(reason);
    gate.leave();
    await next;
    expect(entered).toEqual(['next']);
  });

  it('a caller that aborts after it was admitted removes nobody from the queue', async () => {
    const gate = await fullGate();
    const entered: string[] = [];
    const controller = new AbortController();
    const first = enter(gate, 'first', entered, controller.signal);
    const last = enter(gate, 'last', entered);
    gate.leave();
    await first;
    controller.abort(new Error('no time left'));
    gate.leave();
    await last;
    expect(entered).toEqual(['first', 'last']);
  });

  it('a caller that aborted before does not join the queue', async () => {
    const reason = new Error('closed');
    const gate = await fullGate();
    expect(await rejection(gate.enter(AbortSignal.abort(reason), 1_000, noSleep, 'account'))).toBe(reason);
  });

  it('a caller that aborts during a pause leaves its place to the next', async () => {
    const gate = new TokenRequestLimiter();
    const reason = new Error('no time left');
    const controller = new AbortController();
    gate.hold(60_000);
    const sleep = async () => controller.abort(reason);
    for (let time = 0; time < 11; time++) {
      expect(await rejection(gate.enter(controller.signal, 60_000, sleep, 'account'))).toBe(reason);
    }
    // All ten places are free: ten wait for the end of the hold, and the eleventh for one of them.
    let asleep = 0;
    const rest = new AbortController();
    const awake = new Promise<void>((resolve) => rest.signal.addEventListener('abort', () => resolve()));
    const waiting = Array.from({ length: 11 }, () =>
      rejection(
        gate.enter(
          rest.signal,
          60_000,
          () => {
            asleep++;
            return awake;
          },
          'account',
        ),
      ),
    );
    await turn();
    expect(asleep).toBe(10);
    rest.abort(reason);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([reason]));
  });

  it('a pause that is too long is reported at once, with Retry-After', async () => {
    const gate = new TokenRequestLimiter();
    gate.hold(30_000);
    const error = await rejection(gate.enter(never, 10_000, noSleep, 'account'));
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({ code: 'ERR_MOOV_RATE_LIMITED', headers: { 'Retry-After': '30' } });
  });

  it('serves renewals first, then new accounts, then browser tokens', async () => {
    const gate = await fullGate();
    const entered: string[] = [];
    const waiting = (['browser', 'account', 'renewal', 'browser'] as const).map(async (priority) => {
      await gate.enter(never, 1_000, noSleep, priority);
      entered.push(priority);
    });
    for (let place = 0; place < 4; place++) {
      gate.leave();
      await turn();
    }
    await Promise.all(waiting);
    expect(entered).toEqual(['renewal', 'account', 'browser', 'browser']);
  });

  it('refuses a request behind 1,000 others of its kind, with Retry-After, and no other request', async () => {
    const gate = await fullGate();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const flood = Array.from({ length: 1_000 }, () =>
      rejection(gate.enter(controller.signal, 1_000, noSleep, 'browser')),
    );
    const refused = await rejection(gate.enter(never, 1_000, noSleep, 'browser'));
    expect(refused).toMatchObject({
      code: 'ERR_MOOV_RATE_LIMITED',
      status: 503,
      headers: { 'Retry-After': '5' },
    });
    const entered: string[] = [];
    const own = enter(gate, 'own', entered);
    gate.leave();
    await own;
    controller.abort(new Error('gone'));
    await Promise.all(flood);
    // The queue has room again.
    const late = gate.enter(never, 1_000, noSleep, 'browser');
    gate.leave();
    await late;
  });
});
