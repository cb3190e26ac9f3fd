import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Timers } from '../../src/utils/timers.js';

const LONGEST = 2 ** 31 - 1;

afterEach(() => {
  vi.useRealTimers();
});

describe('after', () => {
  test('calls back once, after the time', () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    new Timers().after(1_000, callback);
    vi.advanceTimersByTime(999);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([LONGEST + 1, 366 * 86_400_000, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    '%d ms is clamped to what a timer can do, and does not fire at once',
    (ms) => {
      vi.useFakeTimers();
      const callback = vi.fn();
      new Timers().after(ms, callback);
      vi.advanceTimersByTime(LONGEST - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    },
  );

  test.each([0, -1, Number.NEGATIVE_INFINITY])('%d ms is as soon as possible', (ms) => {
    vi.useFakeTimers();
    const callback = vi.fn();
    new Timers().after(ms, callback);
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('the function returned clears it, also twice and afterwards', () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    const clear = new Timers().after(10, callback);
    clear();
    clear();
    vi.advanceTimersByTime(100);
    expect(callback).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('sleep', () => {
  test('ends after its time', async () => {
    vi.useFakeTimers();
    const awake = vi.fn();
    const sleep = new Timers().sleep(1_000).then(awake);
    await vi.advanceTimersByTimeAsync(999);
    expect(awake).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(awake).toHaveBeenCalledTimes(1);
    await sleep;
  });

  test('a signal ends it at once, without an error, a timer or a listener left', async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const sleep = new Timers().sleep(60_000, controller.signal);
    expect(vi.getTimerCount()).toBe(1);
    controller.abort(new Error('not thrown'));
    await expect(sleep).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('an aborted signal ends it before it starts', async () => {
    vi.useFakeTimers();
    await new Timers().sleep(60_000, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves no listener on the signal when it ends', async () => {
    const { signal } = new AbortController();
    await new Timers(true).sleep(1, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a timer keeps the process open only while its outcome is awaited', () => {
  const run = promisify(execFile);
  const timers = new URL('../../src/utils/timers.ts', import.meta.url).href;

  /** What a program of its own prints, and whether it came to an end by itself. */
  async function program(body: string): Promise<string> {
    const text = `import { Timers } from ${JSON.stringify(timers)}; const say = (word) => console.log(word); ${body}`;
    const node = ['--import', 'tsx', '--input-type=module', '--eval', text];
    const { stdout } = await run(process.execPath, node, {
      timeout: 15_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return stdout.trim();
  }

  test('not awaited: the program ends before it', async () => {
    expect(await program(`new Timers().after(60_000, () => say('fired'));`)).toBe('');
    expect(await program(`new Timers().sleep(60_000).then(() => say('slept'));`)).toBe('');
  });

  test('held while it runs, or made while held: the program waits for it', async () => {
    expect(
      await program(
        `const t = new Timers(); const sleep = t.sleep(30); t.hold(sleep).then(() => say('slept'));`,
      ),
    ).toBe('slept');
    expect(
      await program(
        `const t = new Timers(); let wake; t.hold(new Promise((resolve) => { wake = resolve; })).then(() => say('woken'));
         t.after(30, () => wake());`,
      ),
    ).toBe('woken');
  });

  test('no longer held: the program ends before it', async () => {
    expect(
      await program(
        `const t = new Timers(); t.after(60_000, () => say('fired'));
         await t.hold(Promise.resolve()); await t.hold(Promise.reject(new Error('x'))).catch(() => say('caught'));`,
      ),
    ).toBe('caught');
  });

  test('held twice, it is released by the last one', async () => {
    expect(
      await program(
        `const t = new Timers(); const long = t.sleep(60).then(() => say('long')); const short = t.sleep(10);
         t.hold(long); t.hold(short).then(() => say('short'));`,
      ),
    ).toBe('short\nlong');
  });

  test('new Timers(true) holds always', async () => {
    expect(await program(`new Timers(true).after(30, () => say('fired'));`)).toBe('fired');
  });

  test('the awaited promise’s value and error are passed on', async () => {
    const held = new Timers();
    await expect(held.hold(Promise.resolve(7))).resolves.toBe(7);
    const error = new Error('no');
    await expect(held.hold(Promise.reject(error))).rejects.toBe(error);
  });
});
