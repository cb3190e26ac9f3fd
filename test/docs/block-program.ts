import type { Block } from './markdown.js';

/** The program around a block that is a part of one. */
const around = (block: string) => `
import express from 'express';
import { idempotencyKey, isMoovCallError, MoovOAuthClient, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
const moov = moovAuth(['/ping.read', '/accounts.read']);
const app = express().use(moov);
const platformAccountID = 'b1d2c3a4-0000-4000-8000-000000000001';
const merchant = platformAccountID;
const accountOf = (_req: unknown) => merchant;
const requireUser: express.RequestHandler = (_req, _res, next) => next();
const requireAdmin = requireUser;
const accounts = moovAuth(['/accounts/{accountID}/wallets.read']);
const transferFor = (order: string) => ({ metadata: { order } });
const [path, body, key] = ['/ping', {}, idempotencyKey('x')];
const req = { moov: moov.client };
try {
${block}
} catch (error) {
  // The block that shows an error throws one on.
  if (!isMoovCallError(error)) throw error;
}
await moov.close();
await accounts.close();
void [app, accounts, accountOf, requireUser, requireAdmin, MoovOAuthClient, moovErrorHandler, moovPath, platformAccountID, transferFor, path, body, key, req];
`;

/** A request that a block which serves must answer: `GET /path 200`. */
export interface Answers {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A block as a program of its own. */
export interface BlockProgram {
  readonly name: string;
  /** The page, and the line of its fence. */
  readonly place: string;
  /** TypeScript is compiled, the others run as they are. */
  readonly extension: 'ts' | 'mjs' | 'cjs';
  readonly code: string;
  /** Why it does not run, if it does not. */
  readonly notRun: string | undefined;
  readonly needsRedis: boolean;
  /** Empty for a program that ends by itself. */
  readonly answers: readonly Answers[];
  /** Whether it handles SIGTERM itself. */
  readonly stops: boolean;
  /** Whether it must revoke all its tokens before it ends. */
  readonly leavesNoToken: boolean;
}

const extensions: Readonly<Record<string, BlockProgram['extension']>> = { ts: 'ts', js: 'mjs', cjs: 'cjs' };

/** The programs among the blocks. */
export function programs(blocks: readonly Block[]): BlockProgram[] {
  return blocks.flatMap(({ place, language, code, notes }) => {
    const extension = extensions[language];
    if (extension === undefined) return [];
    const whole = extension !== 'ts' || /^import /m.test(code);
    return {
      place,
      name: `${place}: ${code.split('\n', 1)[0]}`,
      extension,
      code: whole ? code : around(code),
      notRun: notes.get('not run')?.[0],
      needsRedis: notes.get('needs')?.includes('redis') ?? false,
      answers: (notes.get('answers') ?? []).map(readAnswers),
      stops: code.includes('SIGTERM'),
      leavesNoToken: notes.get('leaves')?.includes('no token') ?? false,
    };
  });
}

function readAnswers(text: string): Answers {
  const [, method, path, status] = /^([A-Z]+) (\S+) (\d{3})$/.exec(text) ?? [];
  if (method === undefined || path === undefined)
    throw new Error(`answers: expected GET /path 200, got ${text}`);
  return { method, path, status: Number(status) };
}
