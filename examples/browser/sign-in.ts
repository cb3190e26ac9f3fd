import { randomBytes } from 'node:crypto';
import type { AxiosInstance } from 'axios';
import express, { type Request, type RequestHandler, Router } from 'express';

export interface User {
  readonly name: string;
  /** The Moov account that this user may act for. */
  readonly accountID: string;
  /** The scopes of this user's browser. */
  readonly scopes: readonly string[];
}

// For real users, keep the account's ID in your database, and a slow hash (scrypt, argon2) instead of the password.
const examples = [
  {
    name: 'Ada',
    password: 'engine',
    company: 'Analytical Engines',
    scopes: ['/accounts/{accountID}/wallets.read', '/accounts/{accountID}/bank-accounts.read'],
  },
  {
    name: 'Grace',
    password: 'compiler',
    company: 'Compilers and Sons',
    scopes: ['/accounts/{accountID}/wallets.read'],
  },
];

const COOKIE = 'session';
// Nothing here needs less than Strict. With https, add Secure and name it __Host-session.
const cookieOptions = { httpOnly: true, sameSite: 'strict', path: '/' } as const;

/** A minimal sign-in, with its sessions in memory. Your application has one already. */
export class SignIn {
  readonly #origin: string;
  readonly #users = new Map<string, User & { readonly password: string }>();
  readonly #sessions = new Map<string, User>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Creates a Moov account for each example user, as your onboarding does. */
  async openAccounts(client: AxiosInstance): Promise<void> {
    for (const { name, password, company, scopes } of examples) {
      const profile = { business: { legalBusinessName: company } };
      const { data } = await client.post<{ accountID: string }>('/accounts', {
        accountType: 'business',
        profile,
      });
      this.#users.set(name.toLowerCase(), { name, password, scopes, accountID: data.accountID });
    }
  }

  userOf(req: Request): User | undefined {
    return this.#sessions.get(sessionID(req));
  }

  /** The guard: for signed-in users only. */
  readonly requireUser: RequestHandler = (req, res, next) => {
    if (this.userOf(req)) return next();
    res.status(401).json({ error: 'Nobody is signed in.' });
  };

  routes(): Router {
    const router = Router();
    router.post('/sign-in', this.#fromOwnPage, express.urlencoded({ limit: '1kb' }), (req, res) => {
      const { name, password } = req.body ?? {};
      const user = this.#users.get(String(name).toLowerCase());
      if (user === undefined || user.password !== password) return res.redirect(303, '/sign-in#failed');
      this.#sessions.delete(sessionID(req)); // Ends the previous session.
      const id = randomBytes(32).toString('base64url');
      this.#sessions.set(id, user);
      res.cookie(COOKIE, id, cookieOptions).redirect(303, '/');
    });
    router.post('/sign-out', this.#fromOwnPage, (req, res) => {
      this.#sessions.delete(sessionID(req));
      res.clearCookie(COOKIE, cookieOptions).status(204).end();
    });
    return router;
  }

  /** Other sites cannot sign anybody in or out. The routers of moovAuth have their own check. */
  readonly #fromOwnPage: RequestHandler = (req, res, next) => {
    const { origin = this.#origin } = req.headers;
    if (origin === this.#origin) return next();
    res.status(403).json({ error: 'Requests from this site are not allowed.' });
  };
}

function sessionID(req: Request): string {
  const cookies = (req.headers.cookie ?? '').split(';').map((cookie) => cookie.trim().split('='));
  return cookies.find(([name]) => name === COOKIE)?.[1] ?? '';
}
