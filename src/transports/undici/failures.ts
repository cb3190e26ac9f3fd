import { validateHeaderName } from 'node:http';
import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { toError } from '../../utils/errors.js';
import { withoutQuery } from '../../utils/without-query.js';
import { NESTED } from './no-connection.js';

/**
 * Converts a failure of undici to the error that Axios creates for the same failure of `node:http`.
 *
 * No error of undici is passed on, because one of a mock or an interceptor may contain the request's headers. Errors of
 * the operating system keep the system's own details.
 *
 * @param response - The response, if its headers were received.
 */
export function failure(
  error: Error,
  config: InternalAxiosRequestConfig,
  response: AxiosResponse | undefined,
): Error {
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG') return unsendable(config);
  if (response !== undefined && (code.startsWith('UND_ERR') || code === 'ECONNRESET')) {
    return brokenOff(config, response);
  }
  const cause = known(code, error) ?? cleaned(error, secretsOf(config));
  return AxiosError.from(cause, undefined, config, undefined, response);
}

/** Returns the error for a response that ends before its last byte. */
function brokenOff(config: InternalAxiosRequestConfig, response: AxiosResponse): AxiosError {
  return new AxiosError('stream has been aborted', AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
}

/** Returns the error of a response stream whose connection ended, worded as in `node:http`. */
export function aborted(): Error {
  return coded('aborted', 'ECONNRESET');
}

function known(code: string, error: Error): Error | undefined {
  if (code.startsWith('UND_MOCK_ERR'))
    return coded('No mock matches the request', AxiosError.ERR_BAD_REQUEST);
  if (error.name === 'HTTPParserError') return parseError(error);
  const wording = wordings[code];
  return wording && coded(...wording);
}

const wordings: Readonly<Record<string, readonly [message: string, code: string]>> = {
  UND_ERR_SOCKET: ['socket hang up', 'ECONNRESET'],
  UND_ERR_INFO: ['socket hang up', 'ECONNRESET'],
  UND_ERR_CONNECT_TIMEOUT: ['connect ETIMEDOUT', 'ETIMEDOUT'],
  UND_ERR_HEADERS_TIMEOUT: ['No response within the time limit of the Dispatcher', 'ETIMEDOUT'],
  UND_ERR_HEADERS_OVERFLOW: ['Parse Error: Header overflow', 'HPE_HEADER_OVERFLOW'],
  UND_ERR_DESTROYED: ['The Dispatcher given as transport is destroyed', AxiosError.ERR_BAD_OPTION],
  UND_ERR_CLOSED: ['The Dispatcher given as transport is closed', AxiosError.ERR_BAD_OPTION],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: [
    'Parse Error: Unexpected Content-Length',
    'HPE_UNEXPECTED_CONTENT_LENGTH',
  ],
  UND_ERR_NOT_SUPPORTED: ['The request cannot be sent as it is', AxiosError.ERR_BAD_REQUEST],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: [
    'The body is not as long as Content-Length says',
    AxiosError.ERR_BAD_REQUEST,
  ],
};

/** undici reports the parser's reason but not its code. */
const parserCodes: readonly (readonly [reason: RegExp, code: string])[] = [
  [/status/i, 'HPE_INVALID_STATUS'],
  [/version/i, 'HPE_INVALID_VERSION'],
  [/chunk size/i, 'HPE_INVALID_CHUNK_SIZE'],
  [/^duplicate content-length/i, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  [/^transfer-encoding/i, 'HPE_INVALID_TRANSFER_ENCODING'],
  [/content-length/i, 'HPE_INVALID_CONTENT_LENGTH'],
  [/expected CR/i, 'HPE_CR_EXPECTED'],
  [/expected LF/i, 'HPE_LF_EXPECTED'],
  [/header/i, 'HPE_INVALID_HEADER_TOKEN'],
];

function parseError(error: Error): Error {
  const reason = /\((.*)\)$/s.exec(error.message)?.[1] ?? 'Invalid response';
  const code = parserCodes.find(([pattern]) => pattern.test(reason))?.[1] ?? 'HPE_INVALID_CONSTANT';
  return coded(`Parse Error: ${reason}`, code);
}

/** Returns what `node:http`, and so Axios, throws for a request that cannot be written: a mistake of the program. */
function unsendable({ headers, method, url }: InternalAxiosRequestConfig): Error {
  try {
    for (const name of Object.keys(headers)) validateHeaderName(name);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  if (method !== undefined && !/^[!#$%&'*+\-.^_`|~\w]+$/.test(method)) {
    const message = `Method must be a valid HTTP token ["${method.toUpperCase()}"]`;
    return Object.assign(new TypeError(message), { code: 'ERR_INVALID_HTTP_TOKEN' });
  }
  const path = withoutQuery(url ?? '');
  return new AxiosError(`The request cannot be sent as it is: ${path}`, AxiosError.ERR_BAD_REQUEST);
}

/** The properties of system errors. Any other property of an error may lead to the request. */
const facts = ['errno', 'syscall', 'hostname', 'address', 'port', 'host', 'reason'] as const;

function cleaned(error: Error, secrets: readonly string[], depth = 0): Error {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), error.message);
  const copy =
    error instanceof AggregateError && depth < NESTED
      ? new AggregateError(
          error.errors.map((one) => cleaned(toError(one), secrets, depth + 1)),
          message,
        )
      : new Error(message);
  for (const fact of facts) {
    const value: unknown = Reflect.get(error, fact);
    if (typeof value === 'string' || typeof value === 'number') Object.assign(copy, { [fact]: value });
  }
  const code = codeOf(error);
  return code === '' ? copy : Object.assign(copy, { code });
}

/** The parts of the request that must not be in a message. */
function secretsOf(config: InternalAxiosRequestConfig): readonly string[] {
  const authorization: unknown = config.headers.get('Authorization');
  if (typeof authorization !== 'string') return [];
  const [scheme, secret] = authorization.split(' ');
  return secret === undefined ? [authorization] : [`${scheme} ${secret}`, secret];
}

export function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * Returns the error of a stream as Axios passes it on; undici destroys a body with errors of its own.
 *
 * @param given - Any value: a stream can be destroyed with a text.
 */
export function bodyFailure(
  given: unknown,
  config: InternalAxiosRequestConfig,
  response?: AxiosResponse,
): Error {
  const error = toError(given);
  if (error instanceof AxiosError && error.config === config) return error;
  if ('code' in error && String(error.code).startsWith('UND_ERR')) return failure(error, config, response);
  return AxiosError.from(error, undefined, config, undefined, response);
}
