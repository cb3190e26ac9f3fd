import { fileURLToPath } from 'node:url';
import express from 'express';
import { type MoovAuth, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { createMoovSandbox, type MoovSandbox } from 'express-moov-auth/sandbox';
import { listen } from '../listen.js';
import { securityHeaders } from './security-headers.js';
import { SignIn } from './sign-in.js';

const pages = fileURLToPath(new URL('public/', import.meta.url));

export interface Example {
  readonly url: string;
  readonly moov: MoovAuth;
  readonly sandbox: MoovSandbox;
  close(): Promise<void>;
}

/** The server of the page, and a sandbox in place of Moov. */
export async function startExample(port = 0): Promise<Example> {
  // The server listens first, because its address is the origin to register: a browser sends the page's origin with
  // every
  // call, and Moov accepts a token only from an origin that is registered with the API key.
  const app = express();
  const server = await listen(app, port);
  const sandbox = createMoovSandbox({ origins: [server.url] });
  await sandbox.listen();

  const signIn = new SignIn(server.url);
  const moov = moovAuth(['/accounts.read', '/accounts.write'], {
    ...sandbox.options,
    // {accountID} comes from the session, never from the browser.
    accountID: (req) => signIn.userOf(req)?.accountID,
  });
  await signIn.openAccounts(moov.client);

  app.use(securityHeaders(sandbox.url), moov);
  app.get('/', (req, res) => {
    res.set('Cache-Control', 'no-store');
    if (signIn.userOf(req)) res.sendFile('home.html', { root: pages });
    else res.redirect('/sign-in');
  });
  app.get('/sign-in', (_req, res) => res.sendFile('sign-in.html', { root: pages }));
  app.use(express.static(pages, { index: false }));
  app.use(signIn.routes());

  // The signed-in user, with the account's name from Moov. The server's own token never reaches a browser.
  app.get('/me', signIn.requireUser, async (req, res) => {
    const { name, accountID } = signIn.userOf(req) ?? {};
    const { data } = await req.moov.get<{ displayName: string }>(moovPath`/accounts/${accountID ?? ''}`);
    res.set('Cache-Control', 'no-store');
    res.json({ name, accountID, accountName: data.displayName, api: sandbox.url });
  });

  app.use(
    '/moov',
    // POST /moov/token: this server decides on the scopes. The page may request fewer, never more.
    moov.browserTokenRouter({
      guard: signIn.requireUser,
      scopes: (req) => signIn.userOf(req)?.scopes ?? [],
    }),
    // POST /moov/revoke: the page revokes its own token. `held: false` prevents users from revoking this server's
    // tokens.
    moov.revokeRouter({ guard: signIn.requireUser, held: false }),
  );
  app.use(moovErrorHandler());

  async function close(): Promise<void> {
    await server.close();
    await moov.close({ revoke: true });
    await sandbox.close();
  }
  let closing: Promise<void> | undefined;
  return {
    url: server.url,
    moov,
    sandbox,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
