import type { MoovAuthOptions } from '../../src/index.js';

/** Every transport, with the options that choose it. The suites of security and money safety run on each. */
export const transports: readonly (readonly [name: string, options: MoovAuthOptions])[] = [
  ['undici', { transport: 'undici' }],
  ['axios', { transport: 'axios' }],
];
