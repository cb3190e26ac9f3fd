import { z } from 'zod';

/** A secret: without control characters, and without what a file or a shell leaves around it: blanks and quotes. */
export const secretText = z.string().regex(/^(?!\s)(?!(["'`]).*\1$)[^\p{Cc}]+(?<!\s)$/u);
