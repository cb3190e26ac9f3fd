import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { full } from '../helpers/full.js';
import { transports } from '../helpers/transports.js';
import { urlOf } from './columns.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Names by which a request is led to another host, or carries something else: each gets each kind of value. */
const leading = [
  ...['socketPath', 'host', 'hostname', 'port', 'agent', 'auth', 'headers', 'lookup', 'path', 'method'],
  ...['body', 'origin', 'createConnection', 'baseURL', 'proxy', 'adapter', 'dispatcher', 'url', 'clientId'],
];

/** What else Axios, undici, this package and Node's own clients read from options. */
function namesRead(): string[] {
  const names = new Set([
    ...['servername', 'rejectUnauthorized', 'upgrade', 'localAddress', 'ca', 'transport', 'httpAgent'],
    ...['httpsAgent', 'params', 'paramsSerializer', 'beforeRedirect', 'allowH2', 'http_proxy', 'HTTP_PROXY'],
    ...['all_proxy', 'ALL_PROXY', 'secureContext', 'session', 'checkServerIdentity', 'family', 'localPort'],
    ...['fd', 'signal', 'timeout', 'defaultPort', 'setHost', 'joinDuplicateHeaders', 'maxHeaderSize'],
    ...['pskCallback', 'ALPNCallback', 'allowHalfOpen', 'autoSelectFamily', 'query', 'data'],
    ...['clientSecret', 'store'],
  ]);
  const listed = names.size;
  // A member of options, an option of Axios's, and a parameter that is taken out of options, alone on its line.
  const read = /\b(?:opts|options|config)\??\.([a-zA-Z]\w+)|\bown\('(\w+)'|^ {2,}([a-z]\w+),?$/gm;
  for (const folder of [
    'node_modules/axios/lib',
    'node_modules/undici/lib/core',
    'node_modules/undici/lib/dispatcher',
    'src/transports',
    'src/client',
    'src/fetch',
  ]) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.[jt]s$/.test(file)) continue;
      for (const found of readFileSync(join(root, folder, file), 'utf8').matchAll(read)) {
        const name = found[1] ?? found[2] ?? found[3] ?? '';
        if (!(name in {})) names.add(name);
      }
    }
  }
  expect(names.size - listed).toBeGreaterThan(140);
  return [...names].filter((name) => !leading.includes(name));
}

describe.each(transports)('on %s', (transport) => {
  test.each(['before', 'after'])(
    'what is put on Object.prototype %s start-up sends no token and no key elsewhere, and changes no request',
    async (when) => {
      const arrivals: string[] = [];
      const moov = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('error', () => undefined).on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          const authorization = request.headers.authorization?.split(' ')[0];
          arrivals.push(
            `${request.method} ${request.url} ${authorization} ${request.url?.startsWith('/oauth2') ? '' : body}`,
          );
          const reply = request.url === '/oauth2/token' ? { access_token: 'tok-1', expires_in: 900 } : {};
          response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
        });
      });
      const stolen: string[] = [];
      const steal = (socket: Socket) =>
        void socket.on('error', () => undefined).on('data', (data) => stolen.push(String(data)));
      const [byPort, bySocket] = [createRawServer(steal), createRawServer(steal)];
      const evilSocket = join(tmpdir(), `polluted-${process.pid}-${transport}-${when}.sock`);
      await Promise.all([
        new Promise<void>((resolve) => moov.listen(0, '127.0.0.1', resolve)),
        new Promise<void>((resolve) => byPort.listen(0, '127.0.0.1', resolve)),
        new Promise<void>((resolve) => bySocket.listen(evilSocket, resolve)),
      ]);
      onTestFinished(() => {
        for (const server of [moov, byPort, bySocket]) server.close();
        moov.closeAllConnections();
      });
      const rest = full ? namesRead() : [];
      const evilPort = Number(new URL(urlOf(byPort)).port);
      const given = { baseURL: urlOf(moov), evilPort, evilSocket, leading, rest, transport, when };
      const child = join(import.meta.dirname, 'polluted-child.mjs');
      await run(process.execPath, [child, JSON.stringify(given)], {
        cwd: root,
        env: { PATH: process.env.PATH },
      });
      expect(stolen).toEqual([]);
      const changed = arrivals.filter(
        (arrival) =>
          !/^GET \/accounts\/\d+ Bearer $/.test(arrival) &&
          !/^POST \/accounts\/(\d+) Bearer \{"n":\1\}$/.test(arrival) &&
          arrival !== 'POST /oauth2/token Basic ',
      );
      expect(changed).toEqual([]);
      // Options that somebody adds to all objects are refused at start-up.
      expect(arrivals.length).toBeGreaterThan(when === 'after' ? leading.length + rest.length : 2);
    },
    120_000,
  );
});
