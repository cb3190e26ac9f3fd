import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { MoovSandbox, SandboxSeed } from '../sandbox/index.js';
import { type Command, type CommandIo, UsageError } from './command.js';

const usage = `Usage: npx --no-install express-moov-auth sandbox [options]

Runs a local server that behaves like Moov's API, on 127.0.0.1, until Ctrl+C. It prints the variables for your server,
and then one line for each request. Its page, at the same address, shows each request completely.

Options:
  --port N        the port to listen on; default 4010, and 0 is any that is free
  --rate-limit N  answers 429 to more than N requests in a second; default: no limit
  --seed FILE     JSON with the initial content, as the option "seed" of createMoovSandbox;
                  default: a customer with a card and a merchant
`;

const DEFAULT_PORT = 4010;

/** The content without `--seed`: a customer and a merchant. */
export const demoSeed: SandboxSeed = {
  platform: { walletBalance: 100_000 },
  accounts: [
    { name: 'Ada Lovelace', foreignID: 'customer-1', cards: [{}], bankAccounts: [{}] },
    {
      name: 'Whole Body Fitness',
      accountType: 'business',
      foreignID: 'merchant-1',
      capabilities: ['collect-funds', 'send-funds', 'wallet'],
      bankAccounts: [{}],
    },
  ],
};

/** Runs the sandbox for a server in another terminal. */
export const sandboxCommand: Command = {
  summary: "runs a local server that behaves like Moov's API, to try without an API key",
  usage,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { port: { type: 'string' }, 'rate-limit': { type: 'string' }, seed: { type: 'string' } },
    });
    const port = wholeNumber('--port', values.port, 0, 65_535) ?? DEFAULT_PORT;
    const requestsPerSecond = wholeNumber('--rate-limit', values['rate-limit'], 1, Number.MAX_SAFE_INTEGER);
    // Loaded by this command alone: the others do without it.
    const { createMoovSandbox } = await import('../sandbox/index.js');
    const sandbox = createMoovSandbox({
      rateLimit: requestsPerSecond === undefined ? undefined : { requestsPerSecond },
      seed: values.seed === undefined ? demoSeed : await readSeed(values.seed),
      log: (line) => io.stdout.write(`${line}\n`),
    });
    await listen(sandbox, port);
    io.stdout.write(introduction(sandbox));
    await untilStopped(io);
    await sandbox.close();
    return 0;
  },
};

async function listen(sandbox: MoovSandbox, port: number): Promise<void> {
  try {
    await sandbox.listen(port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EADDRINUSE') throw error;
    throw new Error(
      `port ${port} is taken. Choose another one with --port, or --port 0 for any that is free.`,
    );
  }
}

function introduction({ url, options, platformAccountID }: MoovSandbox): string {
  return `The sandbox is listening on ${url}
Open it in a browser to see requests, accounts and transfers.

In the shell that runs your server:
  export MOOV_BASE_URL=${url}
  export MOOV_CLIENT_ID=${options.clientId}
  export MOOV_CLIENT_SECRET=${options.clientSecret}
  export MOOV_ORIGIN=${options.origin}
  export MOOV_ACCOUNT_ID=${platformAccountID}

Ctrl+C stops it.

`;
}

async function untilStopped({ signal }: CommandIo): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function wholeNumber(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(
    `${option}: expected a whole number, ${most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`}.`,
  );
}

async function readSeed(file: string): Promise<SandboxSeed> {
  const { checkSeed } = await import('../sandbox/seed.js');
  try {
    return checkSeed(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UsageError(`--seed ${file}: ${error instanceof Error ? error.message : 'not readable'}`);
  }
}
