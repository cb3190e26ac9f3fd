import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Counts, Order } from './upstream.js';
import type { Done, Task } from './worker.js';

const started = new Set<ChildProcess>();

function start(file: string, args: readonly string[] = []): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, args, { execArgv: ['--import', 'tsx'] });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

/** An Express server whose route calls Moov in one of two ways; it tells its URL. */
export function startServer(way: string, baseURL: string): ChildProcess {
  return start('server.ts', [way, baseURL]);
}

/** Ends every process that was started here. */
export function stopAll(): void {
  for (const child of started) child.kill();
}

/** The server that the contestants talk to. */
export class Upstream {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<Upstream> {
    const child = start('upstream.ts');
    const [{ url }] = await once(child, 'message');
    return new Upstream(child, url);
  }

  async order(order: Order): Promise<Counts> {
    const reply = once(this.#child, 'message');
    this.#child.send(order);
    const [{ counts }] = await reply;
    return counts;
  }
}

/** A contestant in its process. */
export class Worker {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(contestant: string, baseURL: string): Promise<Worker> {
    const child = start('worker.ts', [contestant, baseURL]);
    await once(child, 'message');
    return new Worker(child);
  }

  async perform(task: Task): Promise<Done> {
    const reply = once(this.#child, 'message');
    this.#child.send(task);
    const [done] = await reply;
    return done;
  }

  stop(): void {
    this.#child.kill();
  }
}
