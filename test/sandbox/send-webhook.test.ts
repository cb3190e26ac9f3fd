import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { moovAuth, moovPath, moovWebhook, verifyMoovWebhook } from '../../src/index.js';
import { appOf, listen } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, refusingURL, serve } from '../helpers/http-server.js';
import { startSandbox } from '../helpers/moov.js';
import { rejection } from '../helpers/printed.js';
import { publishedVector } from '../webhooks/published-vector.js';

const data = { transferID: 'ec7e1848-dc80-4ab0-8827-dd7fc0737b43', status: 'completed' };

test('sends an event that is signed as Moov signs it', async () => {
  const sandbox = await startSandbox({ webhookSecret: 'of-this-sandbox' });
  expect(sandbox.webhookSecret).toBe('of-this-sandbox');
  const server = await serve({});
  const sent = await sandbox.sendWebhook(`${server.url}/webhooks/moov`, 'transfer.updated', data);
  expect(sent).toMatchObject({ statuses: [200], delivered: true });
  const { method, path, headers, body } = server.first;
  expect([method, path, headers['content-type'], body]).toEqual([
    'POST',
    '/webhooks/moov',
    'application/json',
    sent.body,
  ]);
  // The same forms as in the published test vector.
  for (const [name, example] of Object.entries(publishedVector.headers)) {
    expect(headers[name]).toHaveLength(example.length);
  }
  expect(headers['x-timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const event = await verifyMoovWebhook({ headers, body }, { secret: 'of-this-sandbox' });
  expect(event).toEqual({
    eventID: sent.eventID,
    type: 'transfer.updated',
    data,
    createdOn: expect.any(String),
  });
});

describe('sends the same delivery again', () => {
  const ok: Answer = { status: 204 };
  test.each<[what: string, failure: Answer, status: number]>([
    ['a 500', { status: 500 }, 500],
    ['a 404', { status: 404 }, 404],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, 302],
    ['a dropped connection', 'drop', 0],
    ['a response that breaks off', 'truncate', 0],
    ['no response within 5 s', 'hang', 0],
  ])('after %s', async (_what, failure, status) => {
    fastClock();
    const sandbox = await startSandbox();
    const server = await serve([failure, failure, ok]);
    const sent = await sandbox.sendWebhook(server.url, 'event.test', { ping: true });
    expect(sent).toMatchObject({ statuses: [status, status, 204], delivered: true });
    const images = server.requests.map(({ path, headers, body }) =>
      JSON.stringify([path, headers['x-nonce'], headers['x-timestamp'], headers['x-signature'], body]),
    );
    expect(images).toHaveLength(3);
    expect(new Set(images).size).toBe(1);
  });

  test('5 times in all', async () => {
    fastClock();
    const sandbox = await startSandbox();
    const server = await serve({ status: 500 });
    expect(await sandbox.sendWebhook(server.url, 'event.test', {})).toMatchObject({
      statuses: [500, 500, 500, 500, 500],
      delivered: false,
    });
    expect(server.requests).toHaveLength(5);
    expect(await sandbox.sendWebhook(await refusingURL(), 'event.test', {})).toMatchObject({
      statuses: [0, 0, 0, 0, 0],
      delivered: false,
    });
  });

  test('on a connection of its own, as the application may have closed a kept one', async () => {
    fastClock();
    const sandbox = await startSandbox();
    const ports: (number | undefined)[] = [];
    const port = await listen((req, res) => {
      ports.push(req.socket.remotePort);
      res.writeHead(ports.length < 3 ? 503 : 204).end();
    });
    const { statuses } = await sandbox.sendWebhook(`http://127.0.0.1:${port}`, 'event.test', {});
    expect(statuses).toEqual([503, 503, 204]);
    expect(new Set(ports).size).toBe(3);
  });

  test.each(['close', 'reset'] as const)('until the sandbox is told to %s', async (end) => {
    const sandbox = await startSandbox();
    const server = await serve('hang');
    const sending = sandbox.sendWebhook(server.url, 'event.test', {});
    await server.arrived(1);
    await sandbox[end]();
    expect(await sending).toMatchObject({ statuses: [0], delivered: false });
    const answering = await serve({});
    expect(await sandbox.sendWebhook(answering.url, 'event.test', {})).toMatchObject({ delivered: true });
  });
});

test('signs with the secret of the webhook that was created for the URL', async () => {
  const sandbox = await startSandbox();
  const server = await serve({});
  const moov = moovAuth('/ping.read', sandbox.options);
  onTestFinished(() => moov.close());
  const { data: created } = await moov.client.post('/webhooks', {
    url: server.url,
    status: 'enabled',
    eventTypes: ['*'],
    description: 'of this test',
  });
  const { data: given } = await moov.client.get(moovPath`/webhooks/${created.webhookID}/secret`);
  await sandbox.sendWebhook(server.url, 'event.test', {});
  const { headers, body } = server.first;
  expect(headers['x-webhook-id']).toBe(created.webhookID);
  expect(await verifyMoovWebhook({ headers, body }, { secret: given.secret })).toMatchObject({
    type: 'event.test',
  });
  expect(given.secret).not.toBe(sandbox.webhookSecret);
});

test('two events have their own IDs and nonces', async () => {
  const sandbox = await startSandbox();
  const server = await serve({});
  const [one, another] = [
    await sandbox.sendWebhook(server.url, 'event.test', {}),
    await sandbox.sendWebhook(server.url, 'event.test', {}),
  ];
  expect(one.eventID).not.toBe(another.eventID);
  expect(one.headers['X-Nonce']).not.toBe(another.headers['X-Nonce']);
  expect(one.headers['X-Webhook-ID']).toBe(another.headers['X-Webhook-ID']);
});

test('with what it returns a test can send the delivery once more', async () => {
  const sandbox = await startSandbox();
  let handled = 0;
  const app = appOf(express, moovWebhook({ secret: sandbox.webhookSecret }), (_req, res) => {
    handled++;
    res.sendStatus(200);
  });
  const url = `http://127.0.0.1:${await listen(app)}`;
  const { headers, body, statuses } = await sandbox.sendWebhook(url, 'transfer.updated', data);
  expect(statuses).toEqual([200]);
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200);
  expect(handled).toBe(1);
});

test('refuses what can’t be sent', async () => {
  const sandbox = await startSandbox();
  const server = await serve({});
  for (const [url, type] of [
    ['/webhooks/moov', 'event.test'],
    ['ftp://127.0.0.1', 'event.test'],
    [server.url, ''],
  ] as const) {
    expect(await rejection(sandbox.sendWebhook(url, type, {}))).toBeInstanceOf(TypeError);
  }
  expect(await rejection(sandbox.sendWebhook(server.url, 'event.test', 1n))).toBeInstanceOf(TypeError);
  expect(server.requests).toEqual([]);
});
