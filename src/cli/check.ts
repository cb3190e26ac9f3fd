import { readFileSync } from 'node:fs';
import { parseArgs, parseEnv } from 'node:util';
import { assertAccountID } from '../scopes/scopes.js';
import { toError } from '../utils/errors.js';
import { oneLine } from '../utils/one-line.js';
import { check } from './check-steps.js';
import { type Command, type CommandIo, UsageError } from './command.js';
import type { Step, StepName } from './step.js';

/** As shells have it for a process that Ctrl+C has ended. */
const INTERRUPTED = 130;

/** What is still shown after Ctrl+C: what became of the token. */
const aboutToken: readonly StepName[] = ['token', 'revocation'];

/** `express-moov-auth check`: whether this machine, with its settings, can call Moov. */
export const checkCommand: Command = {
  summary: 'checks settings, network, key, scopes and account, one by one',
  usage: `Usage: npx --no-install express-moov-auth check [options]

Settings come from the MOOV_* variables. One token is requested, used and revoked; it takes 10 s at most.

Options:
  --scope <scope>     a scope to ask for, besides /ping.read; may be repeated
  --account <ID>      the account that fills {accountID} in scopes, and that is called
  --env <path>        a file with MOOV_* variables; those of the environment take precedence,
                      and proxy variables are read from the environment alone
  --json              prints { ok, steps: [{ step, ok, text }] }

Exit status: 0 if all is well, 1 if not, 2 for wrong options.
`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scope: { type: 'string', multiple: true },
        account: { type: 'string' },
        env: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    if (values.account !== undefined) assertAccount(values.account);
    const steps: Step[] = [];
    for await (const step of check({
      scopes: values.scope ?? [],
      accountID: values.account,
      env: { ...readVariables(values.env), ...io.env },
      signal: io.signal,
    })) {
      if (io.signal.aborted && !aboutToken.includes(step.step)) continue;
      const shown = { ...step, text: oneLine(step.text) };
      steps.push(shown);
      if (!values.json) io.stdout.write(`${step.ok ? '✓' : '✗'} ${step.step.padEnd(11)}${shown.text}\n`);
    }
    return finish(steps, values.json === true, io);
  },
};

function assertAccount(accountID: string): void {
  try {
    assertAccountID(accountID);
  } catch {
    throw new UsageError('--account: expected an account ID, which is a UUID.');
  }
}

function readVariables(path: string | undefined): Readonly<Record<string, string | undefined>> {
  if (path === undefined) return {};
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code = 'failed' }: NodeJS.ErrnoException = toError(error);
    throw new UsageError(`--env: the file could not be read (${code}): ${oneLine(path)}`);
  }
}

function finish(steps: readonly Step[], json: boolean, { stdout, stderr, signal }: CommandIo): number {
  const ok = !signal.aborted && steps.every((step) => step.ok);
  if (json) stdout.write(`${JSON.stringify({ ok, steps })}\n`);
  if (!signal.aborted) return ok ? 0 : 1;
  stderr.write('Interrupted.\n');
  return INTERRUPTED;
}
