/** Scheme and host alone. */
export function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

/** What paths can be put behind and a token can be sent to. */
export function isBaseURL(value: string): boolean {
  // Paths are put behind it as text, so what a URL parser forgives must not be in it: white space, a lone "?".
  if (!/^https?:\/\/[^\s?#\\]+$/i.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const safe = protocol === 'https:' || isLoopback(hostname);
  return safe && username === '' && password === '';
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
