/** What a member of a fleet is started with, as JSON in `FLEET_SETUP`. */
export interface Setup {
  baseURL: string;
  clientId: string;
  clientSecret: string;
  redisURL: string;
  encryptionKey: string;
  /** Whether it uses the store. */
  shares: boolean;
}

export type Order = 'call' | 'revoke' | 'stop';

/** What a member did between `call` and `stop`, but for the events, which are from its beginning. */
export interface Report {
  calls: number;
  failures: string[];
  longestMs: number;
  events: Record<string, number>;
  /** Commands that the store gave to Redis, from the beginning. */
  commands: number;
}

export type Told = { ready: true } | { minting: true } | { report: Report };

/** The options in which members differ from the defaults, as their tokens live 3 s only. */
export const members = { tokenTimeoutMs: 2_000, lockTtlMs: 2_500 };
