import type { IncomingMessage, ServerResponse } from 'node:http';
import { toError } from '../../utils/errors.js';
import type { Api } from '../api.js';
import type { Exchange } from '../exchange.js';
import type { Faults } from '../faults.js';
import { readCall, splitTarget } from '../http/call.js';
import type { Recorder } from '../recorder.js';
import { Actions } from './actions.js';
import { contentSecurityPolicy, html } from './document.js';
import { exchangeView, stateView } from './views.js';

/** What a page that does not read its events may have waiting; then it has to connect anew. */
const MOST_WAITING_BYTES = 5_000_000;

/** Of the earlier events, a new page gets the last ones: less than may be waiting, or it would be cut at once. */
const MOST_REPLAYED_BYTES = MOST_WAITING_BYTES / 2;

/** What the page shows and acts on. */
interface Subject {
  readonly recorder: Recorder;
  readonly faults: Faults;
  readonly api: Api;
  readonly reset: () => void;
}

/**
 * The page for a person at `GET /`, and its endpoints below `/_sandbox/`. It is for a browser on this machine: requests
 * with the `Host` of another name (DNS rebinding) or the `Origin` of another page are refused, and there is no CORS.
 */
export class Page {
  readonly #subject: Subject;
  readonly #actions: Actions;
  readonly #streams = new Set<ServerResponse>();

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#actions = new Actions(subject.api, subject.faults, subject.reset);
    subject.recorder.subscribe({
      changed: (exchange) => {
        if (this.#streams.size > 0) this.#send(this.#eventOf(exchange));
      },
      reset: () => this.#send(event('clear', {})),
    });
  }

  /** @returns whether the request was for the page. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const [pathname] = splitTarget(request.url ?? '/');
    const wantsPage =
      pathname === '/' && request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage && !pathname.startsWith('/_sandbox/')) return false;
    if (isOwn(request)) {
      this.#route(`${request.method} ${pathname}`, request, response).catch(() => response.destroy());
    } else {
      request.resume();
      end(
        response,
        403,
        'text/plain',
        'Not allowed: the page is for a browser on this machine, at its own address.',
      );
    }
    return true;
  }

  async #route(what: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (what) {
      case 'GET /':
        end(response, 200, 'text/html', html);
        return;
      case 'GET /_sandbox/state': {
        const { api, faults } = this.#subject;
        end(response, 200, 'application/json', JSON.stringify(stateView(api, faults)));
        return;
      }
      case 'GET /_sandbox/events':
        this.#stream(response);
        return;
      case 'POST /_sandbox/act':
        await this.#act(request, response);
        return;
      default:
        request.resume();
        end(response, 404, 'text/plain', 'The page has no such endpoint.');
    }
  }

  /** Only JSON: a form of another page can't send it without asking, and is not allowed to. */
  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^application\/json(;|$)/i.test(request.headers['content-type'] ?? '')) {
      request.resume();
      end(response, 415, 'text/plain', 'Changes need Content-Type: application/json.');
      return;
    }
    try {
      const { body } = await readCall(request);
      this.#actions.run(body.toString('utf8'));
      end(response, 204, 'text/plain', '');
    } catch (error) {
      end(response, 400, 'text/plain', toError(error).message);
    }
  }

  /** Server-sent events: what was last, then each request as it arrives and as it is answered. */
  #stream(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    response.write(event('clear', {}) + this.#replay());
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  /** The events of the last exchanges, oldest first. */
  #replay(): string {
    const events: string[] = [];
    let bytes = 0;
    for (const exchange of this.#subject.recorder.recent.toReversed()) {
      const text = this.#eventOf(exchange);
      bytes += Buffer.byteLength(text);
      if (bytes > MOST_REPLAYED_BYTES) break;
      events.unshift(text);
    }
    return events.join('');
  }

  #eventOf(exchange: Exchange): string {
    return event('exchange', exchangeView(exchange, this.#subject.api.accountNameIn(exchange.pathname)));
  }

  #send(text: string): void {
    for (const stream of this.#streams) {
      stream.write(text);
      if (stream.writableLength > MOST_WAITING_BYTES) stream.destroy();
    }
  }
}

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | HTML: server-sent events} */
function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` }).end(body);
}

/** Whether a request has the sandbox's own `Host` and, where a browser sends one, its own `Origin`. */
function isOwn({ headers: { host = '', origin }, method, socket: { localPort } }: IncomingMessage): boolean {
  if (!ownHosts(localPort).includes(host)) return false;
  return origin === undefined ? method === 'GET' : origin === `http://${host}`;
}

/** The `Host` of a page at a port of this machine; a browser leaves out the port 80 (RFC 9110, section 7.2). */
export function ownHosts(port: number | undefined): string[] {
  return ['127.0.0.1', 'localhost'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : `${name}:${port}`,
  );
}
