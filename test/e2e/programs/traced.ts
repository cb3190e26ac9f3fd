// A server whose spans its parent process asks for. Options come as JSON in OPTIONS; scopes obtained lazily have a
// route of their own.
import { once } from 'node:events';
import express from 'express';
import { moovAuth, moovErrorHandler } from '../../../src/index.js';
import { exporter } from './instrumented.js';

const moov = moovAuth('/ping.read', JSON.parse(process.env.OPTIONS ?? '{}'));
const app = express();
app.get('/ping', moov, async (req, res) => {
  res.sendStatus((await req.moov.get('/ping', { params: { name: 'in-the-query' } })).status);
});
app.get('/lazy', moov, moov.scoped('/fed.read'), async (req, res) => {
  res.sendStatus((await req.moov.get('/institutions')).status);
});
app.use(moovErrorHandler());

await moov.ready();
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
process.send?.({ port: typeof address === 'object' ? address?.port : 0 });

// Plain copies: what every exporter gets to see of a span, whatever it makes of it.
process.on('message', () => {
  const spans = exporter.getFinishedSpans().map((span) => ({
    ...span.spanContext(),
    parent: span.parentSpanContext,
    name: span.name,
    kind: span.kind,
    attributes: span.attributes,
    events: span.events,
    links: span.links,
    status: span.status,
    resource: span.resource.attributes,
  }));
  process.send?.({ spans });
});
process.once('disconnect', () => process.exit());
