// This page's token. It is only in this variable: other scripts can read localStorage and cookies, also later. A page
// that is loaded again gets a new token.
let held;

/** Measured from before the request, and not by the wall clock, which may be wrong on a user's machine. */
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
  if (before !== undefined) await revoke(before.token).catch(() => undefined); // It would expire by itself.
  return token;
}

/** The parts that may be shown. */
export function shown() {
  if (held === undefined) return undefined;
  return { scopes: held.scopes, ending: held.token.slice(-4), seconds: remainingMs(held) / 1000 };
}

/** Revokes the token, through the server. */
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

/** A call to Moov. After a 401 it is repeated once with a new token. A second 401 has another cause than its age. */
export async function callMoov(url) {
  const call = (token) => fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  const fresh = held !== undefined && remainingMs(held) > 5000;
  const response = await call(fresh ? held.token : await mint());
  return response.status === 401 && fresh ? call(await mint()) : response;
}
