/**
 * HTTP Basic as in RFC 6749 section 2.3.1: both halves are form-urlencoded first, which does not change `-`, `_` and
 * `.`.
 */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`;
}

export function formEncoded(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}
