#!/usr/bin/env node
import { main } from './main.js';

const ending = new AbortController();
// Once: the second Ctrl+C ends the process as usual.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort());

const { argv, env, stdout, stderr } = process;
for (const output of [stdout, stderr]) output.on('error', ignoreClosedPipe);

main(argv.slice(2), { stdout, stderr, env, signal: ending.signal }).then((status) => {
  process.exitCode = status;
});

/** The reader may go, as `head` does: `check` still revokes its token, and the sandbox still answers. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
