import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The module to start `tracing/server.ts` with, after `--import`. */
export const instrumentation = new URL('tracing/instrumentation.ts', import.meta.url).href;

const START_MS = 20_000;
const STOP_MS = 10_000;

/** An example that runs as a process of its own, as its user runs it. */
export class Program {
  readonly #child: ChildProcess;
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  #output = '';

  /**
   * @param file - Its name in this folder.
   * @param env - Its variables. It does not inherit variables of this process that would point it at another Moov.
   */
  constructor(
    file: string,
    env: Record<string, string> = {},
    flags: readonly string[] = [],
    args: readonly string[] = [],
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(MOOV_|PORT$|ADMIN_KEY$)/.test(name));
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#child = spawn(process.execPath, ['--import', 'tsx', ...flags, path, ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk;
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** Its output so far. */
  get output(): string {
    return this.#output;
  }

  /** Its address, once it has printed it. */
  async url(): Promise<string> {
    const late = setTimeout(() => this.#child.kill('SIGKILL'), START_MS);
    let over = false;
    this.ended.then(() => {
      over = true;
    });
    try {
      while (!over) {
        const url = /listening on (http:\S+)/i.exec(this.#output)?.[1];
        if (url !== undefined) return url;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      clearTimeout(late);
    }
    throw new Error(`It ended before it listened:\n${this.#output}`);
  }

  /** Asks it to stop, and kills it if it does not. Does nothing if it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | string> {
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    return this.ended.finally(() => clearTimeout(late));
  }
}
