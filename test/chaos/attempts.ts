import type { AxiosRequestConfig } from 'axios';
import type { MoovAuthOptions } from '../../src/index.js';

/** One attempt of a call, as the client's own sockets show it. */
export interface Attempt {
  readonly at: number;
  reused: boolean;
  /** Whether it was sent to a port at which nobody listens. */
  misdirected: boolean;
  /** The local port, once connected. */
  port?: number;
  /**
   * Whether the connection stood, so that the request was handed to it. It is unknown when the attempt ended
   * before undici began to write and no connection had failed: its client has no proof that nothing was sent.
   */
  connected: boolean | 'unknown';
  /** The status, as soon as the head of a reply was read. */
  status?: number;
  /** Whether the reply was read to its last byte. */
  answered: boolean;
}

/** Nobody listens at tcpmux; and it is no port that the system lends to others, so nobody will. */
export const CLOSED_PORT = 1;

/**
 * Sees what a client can know of its attempts, and the proxy can't: whether a connection stood before it was reset,
 * and whether a reply that was written was also read. It uses documented hooks, and nothing of the code under test.
 */
export interface Witness {
  /** What puts it between. */
  readonly options: MoovAuthOptions;
  /** How many connections it has misdirected. */
  readonly misdirected: number;
  /** What makes a call take new connections. */
  freshly(call: string): AxiosRequestConfig;
  /** A call's attempts, in order. */
  of(call: string): readonly Attempt[];
  close(): Promise<void>;
}
