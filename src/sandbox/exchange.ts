import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** One request as the sandbox saw it. */
export interface SandboxRequest {
  /** When it arrived. */
  readonly at: Date;
  /** In upper case. */
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly path: string;
  /** Names in lower case. They are the real ones: also `authorization`. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** JSON as parsed, anything else as text. `undefined` without a body, and until all of it has arrived. */
  readonly body: unknown;
  /** Set when the response is sent; 0 until then, and for good when the connection was dropped instead. */
  readonly status: number;
}

/** Without `readonly`. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A request and what became of it. */
export class Exchange {
  readonly id: number;
  readonly request: Mutable<SandboxRequest>;
  /** Why it was refused, cut or answered in an unusual way. */
  note: string | undefined;
  /** Whether nothing more will become of it. */
  isOver = false;
  /** What was sent; absent until then, and again when it is no longer among the last ones. */
  response: { readonly headers: OutgoingHttpHeaders; readonly body: string } | undefined;
  readonly #changed: (exchange: Exchange) => void;

  constructor(
    id: number,
    { method, path, headers }: Pick<SandboxRequest, 'method' | 'path' | 'headers'>,
    changed: (exchange: Exchange) => void,
  ) {
    this.id = id;
    this.request = { at: new Date(), method, path, headers, body: undefined, status: 0 };
    this.#changed = changed;
  }

  get pathname(): string {
    return this.request.path.split('?', 1)[0] ?? '';
  }

  received(body: Buffer): void {
    this.request.body = parsedBody(this.request.headers, body);
  }

  /** @param note - Replaces an earlier one, if it is given. */
  answered(status: number, headers: OutgoingHttpHeaders, body: string, note: string | undefined): void {
    this.request.status = status;
    this.response = { headers, body };
    this.#end(note);
  }

  /** Ends without a response. */
  dropped(note: string): void {
    this.#end(note);
  }

  #end(note: string | undefined): void {
    this.note = note ?? this.note;
    this.isOver = true;
    this.#changed(this);
  }
}

/** A body as code that looks at it wants it: JSON parsed, anything else as text, `undefined` when it is empty. */
export function parsedBody(headers: IncomingHttpHeaders, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const text = body.toString('utf8');
  if (!/[/+]json\b/i.test(headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
