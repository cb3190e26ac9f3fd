/** Names this package to Moov; a test compares its version with package.json. */
export const userAgent = 'express-moov-auth/0.2.0';
