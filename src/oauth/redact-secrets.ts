import type { Credentials } from '../config/connection-options.js';
import { basicAuthorization, formEncoded } from './basic-authorization.js';

/**
 * @returns a function that removes the secrets of a request from a text: in each form in which they were sent, and in
 * other percent-encodings and base64 alignments.
 */
export function redactSecrets({ clientId, clientSecret }: Credentials, token = ''): (text: string) => string {
  const secrets = [clientSecret, token].filter((secret) => secret !== '');
  const forms = secrets.flatMap((secret) => [secret, formEncoded(secret)]);
  const known = [basicAuthorization(clientId, clientSecret).slice('Basic '.length), ...forms];
  known.sort((a, b) => b.length - a.length);
  const holds = (text: string) => forms.some((form) => text.includes(form));
  const unescaped = (word: string) =>
    word.includes('%') && [word, word.replaceAll('+', ' ')].some((text) => holds(percentDecoded(text)));
  // The base64 may start anywhere in a longer text: four characters encode three bytes.
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
