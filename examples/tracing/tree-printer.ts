import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';

/** Prints each trace as a tree, for the console. It keeps spans that never end, so it is not for production. */
export class TreePrinter implements SpanExporter {
  readonly #ended = new Map<string, ReadableSpan[]>();

  export(spans: ReadableSpan[], done: (result: { code: number }) => void): void {
    for (const span of spans) {
      const { traceId } = span.spanContext();
      this.#ended.set(traceId, [...(this.#ended.get(traceId) ?? []), span]);
      // Above it there is nothing of this process. Spans that end with it come in the same turn.
      const parent = span.parentSpanContext;
      if (parent === undefined || parent.isRemote === true) setImmediate(() => this.#print(span));
    }
    done({ code: 0 });
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  #print(root: ReadableSpan): void {
    const { traceId } = root.spanContext();
    const trace = this.#ended.get(traceId) ?? [];
    this.#ended.delete(traceId);
    console.log(['', ...lines(root, trace, '')].join('\n'));
  }
}

function lines(span: ReadableSpan, trace: readonly ReadableSpan[], indent: string): string[] {
  const { kind, name, status } = span;
  const { 'http.response.status_code': answered = '', 'url.full': url = '' } = span.attributes;
  const failed = status.code === SpanStatusCode.ERROR ? 'failed' : '';
  const parts = [SpanKind[kind].toLowerCase(), name, url, answered, failed].filter((part) => part !== '');
  const children = trace.filter((other) => other.parentSpanContext?.spanId === span.spanContext().spanId);
  return [indent + parts.join('  '), ...children.flatMap((child) => lines(child, trace, `${indent}  `))];
}
