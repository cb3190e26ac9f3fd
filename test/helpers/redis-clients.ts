import type { RedisClient, RedisSubscriber } from '../../src/redis/index.js';

/** A client that writes down all that a store sends and subscribes to, and hands it on. */
export class RecordingClient implements RedisClient {
  /** The commands, each with its arguments. */
  readonly sent: (readonly string[])[] = [];
  /** What Redis answered. */
  readonly answers: unknown[] = [];
  readonly messages: string[] = [];
  readonly subscribers: RedisSubscriber[] = [];
  readonly #client: RedisClient;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  /** All of it as one text. */
  get text(): string {
    return JSON.stringify([this.sent, this.answers, this.messages]);
  }

  async sendCommand(args: readonly string[], options?: { abortSignal?: AbortSignal }): Promise<unknown> {
    this.sent.push(args);
    const answer = await this.#client.sendCommand(args, options);
    this.answers.push(answer);
    return answer;
  }

  duplicate(): RedisSubscriber {
    const real = this.#client.duplicate();
    this.subscribers.push(real);
    return {
      on: (event, listener) => real.on(event, listener),
      connect: () => real.connect(),
      subscribe: (channel, listener) =>
        real.subscribe(channel, (message) => {
          this.messages.push(message);
          listener(message);
        }),
      unref: () => real.unref(),
      destroy: () => real.destroy(),
    };
  }
}

/** A client that is connected, has no second connection, and answers as a test says. */
export function clientThat(
  answer: (args: readonly string[]) => unknown,
  state: { isOpen: boolean } = { isOpen: true },
): RedisClient {
  return {
    get isOpen() {
      return state.isOpen;
    },
    sendCommand: async (args) => answer(args),
    duplicate: () => ({
      on: () => undefined,
      connect: async () => undefined,
      subscribe: async () => undefined,
      unref: () => undefined,
      destroy: () => undefined,
    }),
  };
}
