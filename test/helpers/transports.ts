import type { MoovAuthOptions } from '../../src/index.js';
import { rows } from './full.js';

/** Every transport, with the options that choose it. The suites of security and money safety run on each in a full run. */
export const transports: readonly (readonly [name: string, options: MoovAuthOptions])[] = rows([
  ['undici', { transport: 'undici' }],
  ['axios', { transport: 'axios' }],
]);
