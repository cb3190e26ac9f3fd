import type { Request, RequestHandler, Response } from 'express';
import { MoovWebhookError } from '../errors.js';
import { DeliveryMemory } from '../webhooks/delivery-memory.js';
import { LARGEST_EVENT_BYTES, parseEvent, tooLarge } from '../webhooks/event.js';
import { type MoovWebhookOptions, readWebhookOptions } from '../webhooks/options.js';
import { verifyHeaders } from '../webhooks/verify.js';
import { assertCalled } from './assert-called.js';
import { isBlank } from './body.js';
import { isOver } from './protected-route.js';
import { BodyError, declaredBody, readText } from './request-bytes.js';

/**
 * Express middleware that lets only webhook deliveries of Moov pass, and sets `req.moovEvent`. Mount it at the route of the
 * webhook, before `express.json()`: it reads the body itself, after it has verified the signature.
 *
 * The handler's response is the answer to Moov, which sends the delivery again, for up to 24 hours, while it gets no 2xx
 * within 5 seconds. A repeat of a delivery that was answered with a 2xx is answered with 200 without the handler. Up to
 * 10,000 deliveries are remembered, by this process alone. Moov can also send an event again as a new delivery, so
 * deduplicate by `eventID` in a database. Moov signs three headers and not the body: fetch the resource from Moov before
 * you act on money.
 *
 * @param options - The signing secret and the tolerance; see {@link MoovWebhookOptions}.
 * @returns the middleware. It passes a {@link MoovWebhookError} to `next` for a delivery that it refuses, which
 * `moovErrorHandler` answers with 401, 400, 413 or 409; and a {@link MoovUnavailableError} (503) when the function of
 * `secret` fails.
 * @throws {@link MoovConfigError} when the secret is missing, an option is wrong, or it is mounted without being called.
 * @see {@link https://docs.moov.io/guides/webhooks/set-up-webhooks/ | Moov: set up webhooks}
 */
export function moovWebhook(options: MoovWebhookOptions = {}): RequestHandler {
  assertCalled('moovWebhook', options);
  const settings = readWebhookOptions('moovWebhook', options);
  const memory = new DeliveryMemory();
  return (req, res, next) => {
    handle(req, res).then(
      (goesOn) => {
        if (goesOn) next();
      },
      (error: unknown) => {
        if (!isOver(res)) next(error);
      },
    );
  };

  /** @returns whether the handler is to run. */
  async function handle(req: Request, res: Response): Promise<boolean> {
    const signature = await verifyHeaders(req.headers, settings);
    if (isOver(res)) return false;
    const status = memory.begin(signature);
    if (status === 'done') {
      res.status(200).end();
      return false;
    }
    if (status === 'in progress') {
      throw new MoovWebhookError('The same delivery is being handled.', {
        code: 'ERR_MOOV_WEBHOOK_IN_PROGRESS',
      });
    }
    res.once('finish', () => {
      if (res.statusCode >= 200 && res.statusCode <= 299) memory.complete(signature);
      else memory.release(signature);
    });
    // The only event when the connection is closed first. Not every adapter of a serverless platform emits it.
    res.once('close', () => memory.release(signature));
    req.moovEvent = parseEvent(await receiveBody(req));
    return !isOver(res);
  }
}

/** @returns what a parser of the application has made of the body, or its text. */
async function receiveBody(req: Request): Promise<unknown> {
  const body: unknown = req.body;
  if (!isBlank(body)) return body;
  // A body that was read before, and of which nothing is left, is missing.
  if (req.readableDidRead) return undefined;
  try {
    return await readText(req, declaredBody(req).length, LARGEST_EVENT_BYTES);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    if (error.status === 413) throw tooLarge();
    throw new MoovWebhookError(error.message, { code: 'ERR_MOOV_WEBHOOK_BODY' });
  }
}
