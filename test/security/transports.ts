import type { MoovAuthOptions } from '../../src/index.js';

/** Every transport, with the options that choose it. Each test of this folder runs on each. */
export const transports: readonly (readonly [name: string, options: MoovAuthOptions])[] = [
  ['undici', { transport: 'undici' }],
  ['axios', { transport: 'axios' }],
];
