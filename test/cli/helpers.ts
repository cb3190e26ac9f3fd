import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CommandIo } from '../../src/cli/command.js';
import { main } from '../../src/cli/main.js';

/** What a command has printed, and its exit status. */
export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the command line in this process. */
export async function run(
  args: readonly string[],
  { env = {}, signal = new AbortController().signal }: Partial<Pick<CommandIo, 'env' | 'signal'>> = {},
): Promise<Ran> {
  const printed = { stdout: '', stderr: '' };
  const status = await main(args, {
    stdout: { write: (text) => (printed.stdout += text) },
    stderr: { write: (text) => (printed.stderr += text) },
    env,
    signal,
  });
  return { status, ...printed };
}

/** Runs the program in a process of its own. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/bin.ts', ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => printed.push(String(data)));
  return { child, printed, closed: once(child, 'close') };
}
