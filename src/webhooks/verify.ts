import { wrongValue } from '../config/check-options.js';
import { MoovConfigError, MoovWebhookError } from '../errors.js';
import { describeType, isObject } from '../utils/value-type.js';
import { type MoovEvent, parseEvent } from './event.js';
import { type MoovWebhookHeaders, readHeader } from './headers.js';
import { type MoovWebhookOptions, readWebhookOptions, type WebhookSettings } from './options.js';
import { isSigned } from './signature.js';
import { parseTimestamp } from './timestamp.js';

/** A webhook delivery, in the form in which any framework has it. */
export interface MoovWebhookRequest {
  /** Its headers. */
  headers: MoovWebhookHeaders;
  /**
   * Its body, not compressed: text, bytes (an `ArrayBuffer` or any view of one, such as a `Buffer`), or what a JSON parser
   * made of it. At most 256 KiB.
   */
  body: unknown;
}

/**
 * Verifies a webhook delivery, in any framework: its signature, the age of its timestamp, then its body.
 *
 * It remembers no deliveries, so a repeat is verified again: deduplicate by `eventID`. In Express, `moovWebhook` reads
 * the body too, and refuses replays. Moov signs three headers and not the body: fetch the resource from Moov before you
 * act on money.
 *
 * @param request - The headers and the body.
 * @param options - The signing secret and the tolerance. A function as `secret` is cached by its identity, so pass the
 * same one each time.
 * @returns the event.
 * @throws {@link MoovWebhookError} `ERR_MOOV_WEBHOOK_SIGNATURE` when a header is missing or not valid, or the signature is
 * wrong; `ERR_MOOV_WEBHOOK_EXPIRED` when the timestamp is outside the tolerance; `ERR_MOOV_WEBHOOK_BODY` when the body is
 * missing or no event; `ERR_MOOV_WEBHOOK_TOO_LARGE` when it is over 256 KiB.
 * @throws {@link MoovConfigError} when the secret is missing, an option is wrong, or `headers` is no object.
 * @throws {@link MoovUnavailableError} `ERR_MOOV_KEY_UNREADABLE` when the function of `secret` fails.
 * @see {@link https://docs.moov.io/guides/webhooks/check-webhook-signatures/ | Moov: check webhook signatures}
 */
export async function verifyMoovWebhook(
  { headers, body }: MoovWebhookRequest,
  options: MoovWebhookOptions = {},
): Promise<MoovEvent> {
  const settings = readWebhookOptions('verifyMoovWebhook', options);
  if (!isObject(headers)) {
    throw new MoovConfigError(wrongValue('headers', 'the headers of the request', describeType(headers)));
  }
  await verifyHeaders(headers, settings);
  return parseEvent(body);
}

/**
 * Verifies everything but the body.
 *
 * @returns the signature. No other delivery has the same one.
 * @throws as {@link verifyMoovWebhook} does.
 */
export async function verifyHeaders(
  headers: MoovWebhookHeaders,
  { secrets, toleranceMs }: WebhookSettings,
): Promise<string> {
  const timestamp = required(headers, 'X-Timestamp');
  const nonce = required(headers, 'X-Nonce');
  const webhookID = required(headers, 'X-Webhook-ID');
  const signature = required(headers, 'X-Signature');
  const time = parseTimestamp(timestamp);
  if (time === undefined) {
    throw refused('X-Timestamp is no ISO 8601 time and no Unix time in seconds or milliseconds');
  }
  if (!isSigned({ timestamp, nonce, webhookID }, signature, await secrets())) {
    throw refused('X-Signature was not made with the signing secret of this webhook');
  }
  if (Math.abs(Date.now() - time) > toleranceMs) {
    throw new MoovWebhookError(
      `X-Timestamp is more than ${toleranceMs} ms away from the clock of this server. See the option "toleranceMs".`,
      { code: 'ERR_MOOV_WEBHOOK_EXPIRED' },
    );
  }
  return signature;
}

function required(headers: MoovWebhookHeaders, name: string): string {
  const value = readHeader(headers, name.toLowerCase());
  if (value === undefined) throw refused(`the header ${name} is missing, empty or given several times`);
  return value;
}

function refused(reason: string): MoovWebhookError {
  return new MoovWebhookError(`The webhook is refused: ${reason}.`, { code: 'ERR_MOOV_WEBHOOK_SIGNATURE' });
}
