// Loaded before everything else, as `node --import ./instrumentation.js server.js` does: modules imported before it are
// not traced. Use your exporter instead of TreePrinter, such as that of @opentelemetry/exporter-trace-otlp-proto.
import { register } from 'node:module';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { TreePrinter } from './tree-printer.js';

// For `import express from 'express'`. CommonJS applications do not need it.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new TreePrinter())] }).register();

// Each enables itself. HTTP is for the requests that arrive and for calls through node:http, undici for calls through
// undici. With both loaded, each call to Moov is one span, whatever the transport.
new HttpInstrumentation();
// It records the URL of each call as it is, and a query may name people.
const withoutQuery = (path: string) => path.replace(/\?.*$/s, '');
new UndiciInstrumentation({
  startSpanHook: ({ origin, path }) => ({ 'url.full': origin + withoutQuery(path), 'url.query': '' }),
});
new ExpressInstrumentation();
