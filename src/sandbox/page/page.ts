import type { IncomingMessage, ServerResponse } from 'node:http';
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
        for (const stream of this.#streams) this.#send(stream, exchange);
      },
      reset: () => {
        for (const stream of this.#streams) write(stream, 'clear', {});
      },
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
    } catch {
      end(response, 400, 'text/plain', 'That is not possible.');
    }
  }

  /** Server-sent events: what was last, then each request as it arrives and as it is answered. */
  #stream(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    write(response, 'clear', {});
    for (const exchange of this.#subject.recorder.recent) this.#send(response, exchange);
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #send(stream: ServerResponse, exchange: Exchange): void {
    write(stream, 'exchange', exchangeView(exchange, this.#subject.api.accountNameIn(exchange.pathname)));
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
function write(stream: ServerResponse, event: string, data: object): void {
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  if (stream.writableLength > MOST_WAITING_BYTES) stream.destroy();
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` }).end(body);
}

/** Whether a request has the sandbox's own `Host` and, where a browser sends one, its own `Origin`. */
function isOwn({ headers: { host = '', origin }, method, socket: { localPort } }: IncomingMessage): boolean {
  if (host !== `127.0.0.1:${localPort}` && host !== `localhost:${localPort}`) return false;
  return origin === undefined ? method === 'GET' : origin === `http://${host}`;
}
