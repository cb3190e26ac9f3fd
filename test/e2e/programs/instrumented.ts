// Loaded before everything else: what OpenTelemetry's instrumentations make of the program, kept in memory.
import { register } from 'node:module';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

export const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
new HttpInstrumentation();
const withoutQuery = (path: string) => path.replace(/\?.*$/s, '');
new UndiciInstrumentation({
  startSpanHook: ({ origin, path }) => ({ 'url.full': origin + withoutQuery(path), 'url.query': '' }),
});
new ExpressInstrumentation();
