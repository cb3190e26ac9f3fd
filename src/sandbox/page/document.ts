import { createHash } from 'node:crypto';
import { markup } from './markup.js';
import { script } from './script.js';
import { style } from './style.js';

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='4' fill='%232446b8'/%3E%3C/svg%3E";

/** The page, whole. */
export const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Moov sandbox</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>${markup}<script>${script}</script></body>
</html>
`;

/**
 * The page runs its own script and style, by their hashes, talks to its own server, and stands in no other page.
 *
 * @see {@link https://www.w3.org/TR/CSP3/ | Content Security Policy Level 3}
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'sha256-${hash(script)}'`,
  `style-src 'sha256-${hash(style)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
