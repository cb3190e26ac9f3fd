import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.js';

/** A Redis server of a test's own, which keeps nothing on disk. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Starts a server, with further settings of its own; the end of the test stops it. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'redis-'));
    const server = new RedisServer(await freePort(), directory, settings);
    onTestFinished(async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    });
    await server.begin();
    return server;
  }

  /** Starts one that is a Redis Cluster of a single node, which has every slot. */
  static async startCluster(): Promise<RedisServer> {
    const settings = { 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()) };
    const server = await RedisServer.start(settings);
    const client = await server.client();
    await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    while (!String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_state:ok')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, also again after {@link kill}: empty, as it keeps nothing. */
  async begin(): Promise<void> {
    const settings = {
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.#directory,
      save: '',
      ...this.#settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('redis-server', [...args, '--appendonly', 'no'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (output.includes('Ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`redis-server ended:\n${output}`)));
    });
  }

  /** Ends it at once, and with it every connection. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Keeps its connections and answers nothing, until {@link resume}. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Makes a user with these rights (rules of ACL SETUSER), whose name and password {@link client} takes. */
  async user(...rules: readonly string[]): Promise<{ username: string; password: string }> {
    const user = { username: 'app', password: 'pw' };
    const admin = await this.client();
    await admin.sendCommand(['ACL', 'SETUSER', user.username, 'reset', 'on', `>${user.password}`, ...rules]);
    return user;
  }

  /** A connected client; the end of the test closes it. */
  async client({ RESP = 3, ...user }: { RESP?: 2 | 3; username?: string; password?: string } = {}) {
    const client = createClient({ url: this.url, RESP, ...user });
    client.on('error', () => undefined);
    onTestFinished(() => {
      if (client.isOpen) client.destroy();
    });
    await client.connect();
    return client;
  }
}
