import { oneLine } from '../utils/one-line.js';
import { userAgent } from '../version.js';
import { checkCommand } from './check.js';
import { type Command, type CommandIo, UsageError } from './command.js';
import { sandboxCommand } from './sandbox.js';

const commands: Readonly<Record<string, Command>> = { check: checkCommand, sandbox: sandboxCommand };

/** As of BSD's `sysexits.h` and most tools: the command line itself is wrong. */
const WRONG_USAGE = 2;

/**
 * Runs the command that the arguments name.
 *
 * @param args - The arguments of the process, without Node and the program.
 * @returns the exit status: that of the command, 1 when it failed, 2 for wrong arguments.
 */
export async function main([name, ...args]: readonly string[], io: CommandIo): Promise<number> {
  if (name === '--version') return print(io, `${userAgent.replace('/', ' ')}\n`);
  if (name === '--help' || name === '-h') return print(io, overview());
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    if (name !== undefined) io.stderr.write(`There is no command "${oneLine(name)}".\n\n`);
    io.stderr.write(overview());
    return WRONG_USAGE;
  }
  if (args.includes('--help') || args.includes('-h')) return print(io, command.usage);
  try {
    return await command.run(args, io);
  } catch (error) {
    io.stderr.write(`express-moov-auth ${name}: ${error instanceof Error ? error.message : 'failed'}\n`);
    if (!isUsageError(error)) return 1;
    io.stderr.write(`\n${command.usage}`);
    return WRONG_USAGE;
  }
}

function print(io: CommandIo, text: string): number {
  io.stdout.write(text);
  return 0;
}

function overview(): string {
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}\n`);
  return [
    'Usage: npx --no-install express-moov-auth <command> [options]\n\n',
    ...list,
    '\nOptions: --help (also after a command), --version\n',
  ].join('');
}

/** Whether the arguments are at fault; `parseArgs` has codes for it. */
function isUsageError(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_');
}
