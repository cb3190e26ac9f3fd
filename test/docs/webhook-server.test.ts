import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import { readPage, root } from './markdown.js';

// The program for servers without a framework, from the page. It reads bodies itself.

const folder = join(root, '.tmp', `webhook-server-${process.pid}`);
const sandbox = createMoovSandbox();
let server: Server;
let url: string;

beforeAll(async () => {
  const block = readPage('docs/webhooks.md').blocks.find(({ code }) => code.includes('createServer('));
  const file = join(folder, 'server.ts');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, block?.code ?? '');
  vi.stubEnv('MOOV_WEBHOOK_SECRET', sandbox.webhookSecret);
  vi.spyOn(console, 'log').mockReturnValue();
  ({ server } = await import(file));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterAll(() => {
  server?.close();
  server?.closeAllConnections();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** A request whose body comes in chunks, as its length is not given. */
function chunked(headers: Readonly<Record<string, string>>): ClientRequest {
  return request(url, { method: 'POST', headers, agent: false });
}

async function answer(outgoing: ClientRequest): Promise<{ status: number | undefined; body: string }> {
  const [response]: IncomingMessage[] = await once(outgoing, 'response');
  if (response === undefined) throw new Error('no response');
  return { status: response.statusCode, body: await text(response) };
}

describe('the server without a framework', () => {
  test('takes a delivery, in one piece or in several', async () => {
    const sent = await sandbox.sendWebhook(url, 'transfer.updated', { transferID: 'one' });
    expect(sent.statuses).toEqual([200]);
    const outgoing = chunked(sent.headers);
    const answered = answer(outgoing);
    outgoing.write(sent.body.slice(0, 10));
    outgoing.end(sent.body.slice(10));
    expect(await answered).toEqual({ status: 200, body: '' });
    expect(vi.mocked(console.log).mock.calls).toEqual([[sent.eventID], [sent.eventID]]);
  });

  test('refuses another body in one piece or in several, and a wrong signature', async () => {
    const { headers } = await sandbox.sendWebhook(url, 'event.test', {});
    for (const [given, status] of [
      [headers, 400],
      [{ ...headers, 'X-Signature': '0'.repeat(128) }, 401],
    ] as const) {
      const whole = await fetch(url, { method: 'POST', headers: given, body: 'no JSON' });
      expect(whole.status).toBe(status);
      const outgoing = chunked(given);
      const answered = answer(outgoing);
      outgoing.write('no ');
      outgoing.end('JSON');
      expect((await answered).status).toBe(status);
    }
  });

  test('answers a body of any length that does not end, without reading on', async () => {
    const { headers } = await sandbox.sendWebhook(url, 'event.test', {});
    const outgoing = chunked(headers).on('error', () => undefined);
    const answered = answer(outgoing);
    outgoing.write(' '.repeat(300_000));
    const { status, body } = await answered;
    outgoing.destroy();
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ status: 413 });
  });

  test('survives a client that goes away in the middle of a body', async () => {
    const { headers } = await sandbox.sendWebhook(url, 'event.test', {});
    const arrived = once(server, 'request');
    const outgoing = chunked(headers).on('error', () => undefined);
    outgoing.write('{');
    const [incoming]: IncomingMessage[] = await arrived;
    if (incoming === undefined) throw new Error('no request');
    const closed = once(incoming, 'close');
    outgoing.destroy();
    await closed.catch(() => undefined);
    expect((await sandbox.sendWebhook(url, 'event.test', {})).statuses).toEqual([200]);
  });
});
