import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, Agent as HTTPSAgent, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, columns, urlOf } from './columns.js';

let cert: Buffer;
let [right, elsewhere]: Server[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moov-tls-'));
  const make = async (name: string, subject: string): Promise<Server> => {
    const file = (end: string) => join(folder, `${name}.${end}`);
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`];
    const files = ['-keyout', file('key'), '-out', file('crt')];
    await promisify(execFile)('openssl', ['req', ...options, ...names, ...files]);
    const [key, certificate] = await Promise.all([readFile(file('key')), readFile(file('crt'))]);
    if (name === 'right') cert = certificate;
    else cert = Buffer.concat([cert, certificate]);
    const server = createServer({ key, cert: certificate }, (_request, response) =>
      response.end('{"tls":true}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };
  right = await make('right', 'IP:127.0.0.1');
  elsewhere = await make('elsewhere', 'DNS:elsewhere.example');
  await rm(folder, { recursive: true });
});

afterAll(() => {
  for (const server of [right, elsewhere]) {
    server?.close();
    server?.closeAllConnections();
  }
});

describe.each(columns)('on %s', (column) => {
  /** A certificate is trusted through an agent of Axios, or through a Dispatcher. */
  async function trusting(server: Server | undefined) {
    if (server === undefined) throw new Error('no server');
    const url = urlOf(server, 'https');
    if (column === 'axios') {
      const httpsAgent = new HTTPSAgent({ ca: cert });
      return call('axios', url, { url: '/', httpsAgent }).finally(() => httpsAgent.destroy());
    }
    const dispatcher = new Agent({ connect: { ca: cert } });
    return call(dispatcher, url, { url: '/' }).finally(() => dispatcher.close());
  }

  test('a certificate that is trusted', async () => {
    expect(await trusting(right)).toMatchObject({ status: 200, data: { tls: true }, maybeSent: true });
  });

  test('a certificate of another host', async () => {
    expect(await trusting(elsewhere)).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message: expect.stringContaining("IP: 127.0.0.1 is not in the cert's list"),
      maybeSent: false,
    });
  });

  test('a certificate that signed itself is refused', async () => {
    if (right === undefined) throw new Error('no server');
    expect(await call(column, urlOf(right, 'https'), { url: '/' })).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      // Newer versions of Node add what could be done about it.
      message: expect.stringMatching(/^self-signed certificate/),
      maybeSent: false,
    });
  });
});
