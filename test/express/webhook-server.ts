import { connect, type Socket } from 'node:net';
import type express from 'express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type MoovWebhookOptions, moovErrorHandler, moovWebhook } from '../../src/index.js';
import { deferred } from '../../src/utils/async.js';
import { appOf, listen } from '../helpers/apps.js';
import { secret } from '../webhooks/deliveries.js';

export interface WebhookServer {
  readonly port: number;
  /** The events that reached the handler. */
  readonly handled: readonly unknown[];
  /** The errors that were passed to `next`. */
  readonly errors: readonly unknown[];
  /** Resolves when the first response has ended, or its connection was closed. */
  readonly closed: Promise<void>;
}

export const answerOK: RequestHandler = (_req, res) => void res.sendStatus(204);

/** @returns a function that serves the middleware, a handler and the error handler, until the end of the test. */
export function webhookServer(version: typeof express) {
  return async (
    handler: RequestHandler = answerOK,
    before: readonly RequestHandler[] = [],
    options: MoovWebhookOptions = { secret },
  ): Promise<WebhookServer> => {
    const handled: unknown[] = [];
    const errors: unknown[] = [];
    const closed = deferred<void>();
    const app = appOf(
      version,
      (_req, res, next) => {
        res.once('close', () => closed.resolve());
        next();
      },
      ...before,
      moovWebhook(options),
      (req, _res, next) => {
        handled.push(req.moovEvent);
        next();
      },
      handler,
    );
    app.use((error: unknown, _req: Request, _res: Response, next: NextFunction) => {
      errors.push(error);
      next(error);
    });
    app.use(moovErrorHandler());
    return { port: await listen(app), handled, errors, closed: closed.promise };
  };
}

/** Sends the head of a request and a part of its body. */
export function beginRequest(
  port: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  part: string = body,
): Socket {
  const all = { host: 'localhost', ...headers, 'content-length': String(body.length) };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  client.write(`POST / HTTP/1.1\r\n${head.join('')}\r\n${part}`);
  return client;
}
