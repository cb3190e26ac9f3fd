import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';

/**
 * Sends one request and resolves with any whole reply, whatever its status.
 *
 * @param handed - Called when the request is given to a connection that stands: from then on Moov may act on it.
 */
export type Transport = (config: InternalAxiosRequestConfig, handed: () => void) => Promise<AxiosResponse>;

/** A transport with the connections it keeps. */
export interface Connected {
  readonly send: Transport;
  /** Closes the connections that are idle, and the others as soon as they are; what is sent later opens new ones. */
  release(): void;
}

/** Axios's class of headers, under the name that both of its builds have. */
export type RequestHeaders = InternalAxiosRequestConfig['headers'];
