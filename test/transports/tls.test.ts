import { createServer, Agent as HTTPSAgent, type Server } from 'node:https';
import axios from 'axios';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { MoovOAuthClient, type MoovOAuthOptions } from '../../src/index.js';
import { selfSigned } from '../helpers/certificate.js';
import { rejection } from '../helpers/printed.js';
import { call, columns, urlOf } from './columns.js';

/** What is trusted: both certificates. */
let cert: Buffer;
let [right, elsewhere]: Server[] = [];

beforeAll(async () => {
  const certificates = [await selfSigned('IP:127.0.0.1'), await selfSigned('DNS:elsewhere.example')];
  cert = Buffer.concat(certificates.map((one) => one.cert));
  [right, elsewhere] = await Promise.all(
    certificates.map(async (own) => {
      const server = createServer(own, (_request, response) => response.end('{"tls":true}'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
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

test('token requests trust what calls trust, by the agent of the option axios, or of Axios’s defaults', async () => {
  if (right === undefined) throw new Error('no server');
  const httpsAgent = new HTTPSAgent({ ca: cert });
  onTestFinished(() => httpsAgent.destroy());
  const options = { clientId: 'id', clientSecret: 'secret', baseURL: urlOf(right, 'https') };
  const request = (settings: MoovOAuthOptions['axios']) =>
    new MoovOAuthClient({ ...options, axios: settings }).createAccessToken({
      grantType: 'client_credentials',
      scope: '/ping.read',
    });
  // The server answers, with what is no token.
  expect(await rejection(request({ httpsAgent }))).toMatchObject({ upstreamStatus: 200 });
  expect(await rejection(request(undefined))).toMatchObject({ code: 'ERR_MOOV_NETWORK' });
  axios.defaults.httpsAgent = httpsAgent;
  onTestFinished(() => {
    axios.defaults.httpsAgent = undefined;
  });
  expect(await rejection(request(undefined))).toMatchObject({ upstreamStatus: 200 });
});
