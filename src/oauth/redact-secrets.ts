import type { Credentials } from '../config/connection-options.js';

/**
 * HTTP Basic as RFC 6749 section 2.3.1 has it: both halves form-urlencoded first, which leaves `-`, `_` and `.` as
 * they are.
 */
export function basic(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`;
}

function formEncoded(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}

/**
 * @returns a function that takes a request's secrets out of a text: in each form in which they were sent, and also
 * where they were percent-encoded or put into base64 in another way.
 */
export function redactSecrets({ clientId, clientSecret }: Credentials, token = ''): (text: string) => string {
  const secrets = [clientSecret, token].filter((secret) => secret !== '');
  const forms = secrets.flatMap((secret) => [secret, formEncoded(secret)]);
  const known = [basic(clientId, clientSecret).slice('Basic '.length), ...forms];
  known.sort((a, b) => b.length - a.length);
  const holds = (text: string) => forms.some((form) => text.includes(form));
  const unescaped = (word: string) =>
    word.includes('%') && [word, word.replaceAll('+', ' ')].some((text) => holds(percentDecoded(text)));
  // Where base64 begins in a longer run of letters is not known: four characters stand for three bytes.
  const inBase64 = (word: string) =>
    [0, 1, 2, 3].some((start) => holds(Buffer.from(word.slice(start), 'base64').toString()));

  return (text) =>
    known
      .reduce((rest, form) => rest.replaceAll(form, '[secret]'), text)
      .replaceAll(/\S{8,}/g, (word) => (unescaped(word) ? '[secret]' : word))
      .replaceAll(/[\w+/-]{8,}/g, (word) => (inBase64(word) ? '[secret]' : word));
}

function percentDecoded(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString(),
  );
}
