import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';

/**
 * The guard of the examples: allows a request with `ADMIN_KEY` as its bearer token. Without the variable, every request
 * is refused. In your application, use your own sign-in.
 */
export const requireAdmin: RequestHandler = (req, res, next) => {
  const key = process.env.ADMIN_KEY;
  if (key && isSame(req.headers.authorization ?? '', `Bearer ${key}`)) return next();
  res.status(401).set('WWW-Authenticate', 'Bearer').json({ error: 'This route needs the admin key.' });
};

/** Digests, as `timingSafeEqual` wants equal lengths, and plain `===` tells by its time how much was right. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
