import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { callRequest, isMoovCallError } from '../client/call-info.js';
import { parseOptions, wording } from '../config/parse-options.js';
import { logger } from '../config/schema.js';
import { isMoovAuthError } from '../errors.js';
import type { Log, LogEntry } from '../logging/log.js';
import { type LoggerOption, logTo } from '../logging/logger.js';
import {
  axiosErrorOf,
  describeProblem,
  type MoovProblemOptions,
  type MoovProblemResponse,
  problemSchema,
} from '../problem/problem.js';
import { ignoreErrors } from '../utils/errors.js';
import { withoutQuery } from '../utils/without-query.js';
import { assertCalled } from './assert-called.js';

/** Options of {@link moovErrorHandler}. */
export interface MoovErrorHandlerOptions extends MoovProblemOptions {
  /** Whether `detail` has the message of the error. Default: only when `NODE_ENV` is `development` or `test`. */
  exposeMessage?: boolean | undefined;
  /**
   * Logs what is answered: 500 and above as errors, the rest as warnings. As the option of {@link moovAuth}; what an
   * event of it has put on the console already is not repeated there.
   */
  logger?: LoggerOption | undefined;
}

const schema = problemSchema.extend({
  exposeMessage: z.boolean().optional().register(wording, { expected: 'true or false' }),
  logger,
});

/**
 * Express error middleware that responds to this package's errors, and to failed calls of `req.moov` and `moov.fetch`,
 * with `application/problem+json` (RFC 9457), as {@link moovProblem} describes them. Other errors go on to the next
 * handler. Mount it after the routes.
 *
 * @param options - See {@link MoovErrorHandlerOptions}; all have defaults.
 * @returns the middleware. It never throws, whatever error or response it is given.
 * @throws {@link MoovConfigError} for an unknown or wrong option, and when it is mounted without being called.
 */
export function moovErrorHandler(options: MoovErrorHandlerOptions = {}): ErrorRequestHandler {
  const { logger: given, exposeMessage = isForDevelopers(), ...others } = readOptions(options);
  const settings = { ...others, exposeMessage };
  const log = logTo(given);
  return (error: unknown, req, res, next) => {
    const answer = describeProblem(error, settings);
    if (answer === undefined || !send(res, answer)) pass(error, next);
    else ignoreErrors(() => log && logAnswer(log, error, req, answer));
  };
}

function readOptions(options: MoovErrorHandlerOptions): z.output<typeof schema> {
  assertCalled('moovErrorHandler', options);
  return parseOptions({ name: 'moovErrorHandler' }, schema, options);
}

/** Any other value, or none, is production. */
function isForDevelopers(): boolean {
  return process.env.NODE_ENV === 'development' || process.env.NODE_ENV === 'test';
}

/** Express's own `next` throws when nothing can be written to the response. */
function pass(error: unknown, next: NextFunction): void {
  try {
    next(error);
  } catch {
    // There is no handler left that could be told.
  }
}

/** @returns whether it was sent. By Node's own methods alone, as applications replace those of Express. */
function send(res: Response, { status, headers, body }: MoovProblemResponse): boolean {
  try {
    if (res.headersSent) return false;
    res.statusCode = status;
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    res.end(JSON.stringify(body));
    return true;
  } catch {
    return false;
  }
}

function logAnswer(log: Log, error: unknown, req: Request, { status, body }: MoovProblemResponse): void {
  if (!(error instanceof Error)) return;
  const { method } = req;
  const path = withoutQuery(req.originalUrl);
  const call = isMoovCallError(error) ? callRequest(error) : undefined;
  const entry: LogEntry = {
    level: status >= 500 ? 'error' : 'warn',
    message: `answered ${method} ${path} with ${status}: ${error.message}`,
    fields: {
      code: body.code,
      method,
      path,
      status,
      upstreamStatus: upstreamStatusOf(error),
      requestId: body.requestId,
      ambiguous: body.ambiguous,
      call: call && `${call.method} ${call.path}`,
    },
    kind: body.code,
  };
  log.write(entry, error);
}

function upstreamStatusOf(error: Error): number | undefined {
  if (isMoovAuthError(error)) return error.upstreamStatus;
  return isMoovCallError(error) ? axiosErrorOf(error).response?.status : undefined;
}
