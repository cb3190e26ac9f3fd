import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { webStream } from './web-stream.js';

/** What a response is made of. */
export interface ResponseParts {
  readonly status: number;
  readonly statusText: string;
  headers(): Headers;
  url(): string;
  readonly body: Buffer | Readable | null;
  /** What to show of an error that ends the body. */
  bodyError(error: unknown): unknown;
}

/**
 * A WHATWG Response of bytes or a stream of Node's. Text, JSON and bytes are read without the platform's own Response,
 * which makes a web stream of every body, and takes longer to make and to read than all the rest of a call. Whatever
 * else is asked of it is the platform's, made when it is first needed: so errors are worded as the platform words them.
 *
 * @see {@link https://fetch.spec.whatwg.org/#response-class | Fetch standard, the Response class}
 */
export class LazyResponse implements globalThis.Response {
  readonly #parts: ResponseParts;
  #headers: Headers | undefined;
  #platform: globalThis.Response | undefined;
  /** Whether the body was read here. */
  #used = false;

  /** @throws RangeError or TypeError when the standard has no such response, such as one with status 700. */
  constructor(parts: ResponseParts) {
    this.#parts = parts;
    if (!(this instanceof Response)) becomeResponse();
    // The platform says what is wrong.
    if (!isPlain(parts)) this.#whole();
  }

  get status(): number {
    return this.#parts.status;
  }

  get statusText(): string {
    return this.#parts.statusText;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get url(): string {
    return this.#parts.url();
  }

  get headers(): Headers {
    this.#headers ??= this.#parts.headers();
    return this.#headers;
  }

  get type(): globalThis.Response['type'] {
    return this.#whole().type;
  }

  get redirected(): boolean {
    return this.#whole().redirected;
  }

  get body(): ReadableStream | null {
    return this.#whole().body;
  }

  get bodyUsed(): boolean {
    return this.#platform?.bodyUsed ?? this.#used;
  }

  async text(): Promise<string> {
    const bytes = this.#read();
    return bytes === undefined ? this.#whole().text() : textOf(await bytes);
  }

  async json(): Promise<unknown> {
    const bytes = this.#read();
    return bytes === undefined ? this.#whole().json() : JSON.parse(textOf(await bytes));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = this.#read();
    return bytes === undefined ? this.#whole().arrayBuffer() : new Uint8Array(await bytes).buffer;
  }

  blob(): ReturnType<globalThis.Response['blob']> {
    return this.#whole().blob();
  }

  formData(): ReturnType<globalThis.Response['formData']> {
    return this.#whole().formData();
  }

  clone(): globalThis.Response {
    return this.#whole().clone();
  }

  /** The bytes of a body that nobody has read, without the platform's Response. */
  #read(): Buffer | Promise<Buffer> | undefined {
    const { body } = this.#parts;
    if (this.#platform !== undefined || this.#used || body === null) return undefined;
    this.#used = true;
    return Buffer.isBuffer(body) ? body : this.#collect(body);
  }

  async #collect(stream: Readable): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of stream) chunks.push(chunk);
    } catch (error) {
      throw this.#parts.bodyError(error);
    }
    return Buffer.concat(chunks);
  }

  /** The platform's own Response in the state of this one. */
  #whole(): globalThis.Response {
    if (this.#platform !== undefined) return this.#platform;
    const { status, statusText, headers } = this;
    const { body, bodyError } = this.#parts;
    const given = body === null || Buffer.isBuffer(body) ? body : webStream(body, bodyError);
    this.#platform = new Response(this.#used ? '' : given, { status, statusText, headers });
    // To the platform it has been read too.
    if (this.#used) void this.#platform.text();
    return this.#platform;
  }

  /** A method of the platform's that is none of this class. */
  static delegate(name: string, method: (...args: unknown[]) => unknown): void {
    Object.defineProperty(LazyResponse.prototype, name, {
      value(this: LazyResponse, ...args: unknown[]) {
        return Reflect.apply(method, this.#whole(), args);
      },
    });
  }
}

/** Makes it one to `instanceof`, when there is the first: Node takes 15 ms to load its own class. */
function becomeResponse(): void {
  const { prototype } = LazyResponse;
  Object.setPrototypeOf(prototype, Response.prototype);
  // Such as bytes(), which Node has from version 22 on.
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Response.prototype))) {
    if (typeof value === 'function' && !Object.hasOwn(prototype, name)) LazyResponse.delegate(name, value);
  }
}

/** What the standard has a response for without a further look. */
function isPlain({ status, statusText }: ResponseParts): boolean {
  return status >= 200 && status <= 599 && /^[\t\x20-\x7e\x80-\xff]*$/.test(statusText);
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
