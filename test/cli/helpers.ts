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
