import type { AxiosRequestConfig } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Behaviour, call, columns, type Outcome, rawServer } from './columns.js';

/** One call, and what a caller sees of it on every transport. */
export interface Case {
  name: string;
  config?: AxiosRequestConfig | (() => AxiosRequestConfig);
  behave?: Behaviour;
  expected: object;
  /** What differs between the columns by design, each with its reason beside it. */
  apart?: readonly (keyof Outcome)[];
}

export const ok: Behaviour = (response) => response.end('{"done":true}');
export const answer =
  (headers: Record<string, string | string[]>, body: string | Buffer = '', status = 200): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end(body);
export const rawly =
  (bytes: string): Behaviour =>
  (response) =>
    response.socket?.end(bytes);

/** Makes each call on both transports, and expects one outcome. */
export function sameOnBoth(cases: readonly Case[]): void {
  describe.each(cases)('$name', ({ config = {}, behave = ok, expected, apart = [] }) => {
    test('is the same on both transports', async () => {
      const server = await rawServer(behave);
      onTestFinished(() => server.close());
      const outcomes: Outcome[] = [];
      for (const column of columns) {
        const given = typeof config === 'function' ? config() : config;
        const outcome = await call(column, server.url, { url: '/', ...given });
        const sent = server.sent();
        outcomes.push({ ...outcome, ...(outcome.maybeSent && sent ? { sent } : {}) });
      }
      for (const outcome of outcomes) expect(outcome).toMatchObject(expected);
      const [one = {}, other = {}] = outcomes.map((outcome) => omit(outcome, apart));
      expect(other).toEqual(one);
    });
  });
}

function omit(outcome: Outcome, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(outcome).filter(([name]) => !names.includes(name)));
}
