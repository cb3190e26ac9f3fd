// Loaded before everything else, as `node --import ./instrumentation.js server.js` does: what is imported before it is
// not traced. Put your exporter in the place of TreePrinter, such as that of @opentelemetry/exporter-trace-otlp-proto.
import { register } from 'node:module';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { TreePrinter } from './tree-printer.js';

// For `import express from 'express'`; CommonJS applications do without.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new TreePrinter())] }).register();

// Each enables itself. HTTP is for the requests that arrive and for calls through node:http, undici for calls through
// undici; with both loaded, each call to Moov is one span, whatever carries it.
new HttpInstrumentation();
// It records the URL of each call as it is, and a query may name people.
const withoutQuery = (path: string) => path.replace(/\?.*$/s, '');
new UndiciInstrumentation({
  startSpanHook: ({ origin, path }) => ({ 'url.full': origin + withoutQuery(path), 'url.query': '' }),
});
new ExpressInstrumentation();
