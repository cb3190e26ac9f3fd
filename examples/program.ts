import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What `tracing/server.ts` is to be started with, after `--import`. */
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
   * @param env - Its variables; of this process's own it gets none that would lead it to another Moov.
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

  /** All it has printed until now. */
  get output(): string {
    return this.#output;
  }

  /** Where it listens, once it has said so. */
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

  /** Asks it to stop, and kills it when it does not. What has ended is left alone. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | string> {
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    return this.ended.finally(() => clearTimeout(late));
  }
}
