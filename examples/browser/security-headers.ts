import type { RequestHandler } from 'express';

/**
 * Allows the pages their own scripts and styles, and calls to this server and Moov's API only. An injected script does
 * not run, and could not send the token anywhere else.
 */
export function securityHeaders(api: string): RequestHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'", // with Moov.js: 'self' https://js.moov.io
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${api}`, // at Moov: https://api.moov.io
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return (_req, res, next) => {
    res.set({
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    });
    next();
  };
}
