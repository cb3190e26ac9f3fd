// This page's token. It lives in this variable alone: what is in localStorage or a cookie is there for others too, and
// longer. A page that is loaded again gets a new one.
let held;

/** Counted from before the request and not on the wall clock, which on a user's machine may be wrong. */
function remainingMs(token) {
  return token.endsAt - performance.now();
}

/** A new token from the server, which decides what it may do. */
export async function mint() {
  const asked = performance.now();
  const response = await fetch('/moov/token', { method: 'POST' });
  if (!response.ok) throw new Error(`The server gave no token: ${response.status}`);
  const { token, scopes, expiresIn } = await response.json();
  const before = held;
  held = { token, scopes, endsAt: asked + expiresIn * 1000 };
  if (before !== undefined) await revoke(before.token).catch(() => undefined); // It would end by itself.
  return token;
}

/** What may be shown of it. */
export function shown() {
  if (held === undefined) return undefined;
  return { scopes: held.scopes, ending: held.token.slice(-4), seconds: remainingMs(held) / 1000 };
}

/** Gives the token back to Moov, through the server. */
export async function giveBack() {
  const before = held;
  held = undefined;
  if (before !== undefined) await revoke(before.token);
}

async function revoke(token) {
  const response = await fetch('/moov/revoke', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token, token_type_hint: 'access_token' }),
  });
  if (!response.ok) throw new Error(`Not revoked: ${response.status}`);
}

/** A call to Moov. A 401 is answered with a new token, once; after that one it is no matter of the token's age. */
export async function callMoov(url) {
  const call = (token) => fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  const fresh = held !== undefined && remainingMs(held) > 5000;
  const response = await call(fresh ? held.token : await mint());
  return response.status === 401 && fresh ? call(await mint()) : response;
}
