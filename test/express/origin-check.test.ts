import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { allow, appOf, expressVersions, listen } from '../helpers/apps.js';
import { startMoov } from '../helpers/moov.js';

const listed = 'https://admin.example.com';
const corsHeaders = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
];

describe.each(expressVersions)('requests from browsers on $name', ({ express }) => {
  async function start(allowedOrigins: string[] = [listed]) {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    let asked = 0;
    const router = moov.revokeRouter({
      guard: (_req, _res, next) => {
        asked += 1;
        next();
      },
      allowedOrigins,
    });
    const app = appOf(express, ['/oauth', router]);
    const post = (headers: Record<string, string>) =>
      supertest(app)
        .post('/oauth/revoke')
        .set({ Host: 'shop.example.com', ...headers });
    const asksOfGuard = () => asked;
    return { sandbox, moov, app, post, asksOfGuard };
  }

  describe('pass on to the guard', () => {
    test.each([
      ['no browser: neither header', {}],
      ['a listed origin', { Origin: listed }],
      [
        'a listed origin, whatever the browser says of the site',
        { Origin: listed, 'Sec-Fetch-Site': 'cross-site' },
      ],
      [
        'Sec-Fetch-Site: same-origin',
        { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://shop.example.com' },
      ],
      [
        'Sec-Fetch-Site: same-origin behind a proxy that changes Host',
        {
          'Sec-Fetch-Site': 'same-origin',
          Origin: 'https://shop.example.com',
          Host: '10.0.0.7:3000',
        },
      ],
      [
        'Sec-Fetch-Site: same-origin of a page that hides its origin',
        { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' },
      ],
      ['Sec-Fetch-Site: none, which is the user himself', { 'Sec-Fetch-Site': 'none' }],
      ['an older browser: Origin is this host', { Origin: 'https://shop.example.com' }],
      ['this host over http, TLS being ended in front of it', { Origin: 'http://shop.example.com' }],
      [
        'this host with the default port of https',
        { Origin: 'https://shop.example.com', Host: 'shop.example.com:443' },
      ],
      [
        'this host with the default port of http',
        { Origin: 'http://shop.example.com', Host: 'shop.example.com:80' },
      ],
      ['this host with a port of its own', { Origin: 'http://localhost:3000', Host: 'localhost:3000' }],
      ['this host in capitals', { Origin: 'https://shop.example.com', Host: 'Shop.Example.COM' }],
      ['this host as an address', { Origin: 'http://[::1]:3000', Host: '[::1]:3000' }],
      ['a listed origin in capitals', { Origin: 'https://ADMIN.example.com' }],
      [
        'this host over https, of which nothing tells Express',
        { Origin: 'https://shop.example.com', 'X-Forwarded-Proto': 'http' },
      ],
      [
        'this host over http, where a proxy says so too',
        { Origin: 'http://shop.example.com', 'X-Forwarded-Proto': 'http' },
      ],
    ])('%s', async (_what, headers: Record<string, string>) => {
      const { sandbox, post, asksOfGuard } = await start();
      const response = await post(headers);
      expect(response.status).toBe(200);
      expect(asksOfGuard()).toBe(1);
      expect(sandbox.stats.tokensRevoked).toBe(2);
    });
  });

  describe('are refused before the guard', () => {
    test.each([
      ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
      ['Sec-Fetch-Site: same-site, which is another host', { 'Sec-Fetch-Site': 'same-site' }],
      [
        'Sec-Fetch-Site goes before an Origin that is this host',
        {
          'Sec-Fetch-Site': 'cross-site',
          Origin: 'https://shop.example.com',
        },
      ],
      ['Sec-Fetch-Site with a value that is not known', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
      ['Sec-Fetch-Site without a value', { 'Sec-Fetch-Site': '' }],
      ['another origin', { Origin: 'https://evil.example' }],
      ['Origin: null', { Origin: 'null' }],
      ['Origin without a value', { Origin: '' }],
      ['an origin that is none', { Origin: 'shop.example.com' }],
      ['a host that begins like this one', { Origin: 'https://shop.example.com.evil.example' }],
      ['a host that ends like this one', { Origin: 'https://evilshop.example.com' }],
      ['this host on another port', { Origin: 'https://shop.example.com:8443' }],
      [
        'the default port of the other scheme',
        { Origin: 'https://shop.example.com', Host: 'shop.example.com:80' },
      ],
      ['a listed host with another scheme', { Origin: 'http://admin.example.com' }],
      ['a listed host with another port', { Origin: 'https://admin.example.com:8443' }],
      ['an app of this host', { Origin: 'capacitor://shop.example.com' }],
      ['a socket of this host', { Origin: 'ws://shop.example.com' }],
      [
        'this host over http, although a proxy has ended TLS in front of it',
        { Origin: 'http://shop.example.com', 'X-Forwarded-Proto': 'https' },
      ],
      [
        'the same behind two proxies',
        { Origin: 'http://shop.example.com', 'X-Forwarded-Proto': 'http, HTTPS' },
      ],
      [
        'the same with the header of RFC 7239',
        { Origin: 'http://shop.example.com', Forwarded: 'for=192.0.2.1;proto=https;host=shop.example.com' },
      ],
      ['a listed origin among others', { Origin: `${listed}, https://evil.example` }],
      ['an origin without a host', { Origin: 'file://', Host: '' }],
    ])('%s', async (_what, headers: Record<string, string>) => {
      const { sandbox, moov, post, asksOfGuard } = await start();
      const response = await post(headers).type('form').send({ token: 'abc' });
      expect(response.status).toBe(403);
      expect(response.body).toEqual({
        error: 'access_denied',
        error_description: 'Requests from this site are not allowed.',
      });
      expect(response.headers['cache-control']).toBe('no-store');
      for (const name of corsHeaders) expect(response.headers).not.toHaveProperty(name);
      expect(asksOfGuard()).toBe(0);
      expect(sandbox.stats.revokeRequests).toBe(0);
      expect(moov.status().tokens).toBe(1);
    });

    test('a form of another site, which a browser sends without asking first', async () => {
      const { sandbox, post, asksOfGuard } = await start([]);
      const response = await post({ Origin: 'https://evil.example', Cookie: 'session=admin' })
        .type('form')
        .send({});
      expect(response.status).toBe(403);
      expect(asksOfGuard()).toBe(0);
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('an Origin where HTTP/1.0 knows no Host', async () => {
      const { app, sandbox } = await start();
      const socket = connect(await listen(app), '127.0.0.1');
      socket.write('POST /oauth/revoke HTTP/1.0\r\nOrigin: https://shop.example.com\r\n\r\n');
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /);
      expect(sandbox.stats.revokeRequests).toBe(0);
    });
  });

  describe('where Express knows the scheme', () => {
    async function schemes(trust: boolean, headers: Record<string, string>) {
      const { moov } = await startMoov();
      const app = express();
      app.set('trust proxy', trust);
      app.use(moov.revokeRouter({ guard: allow }));
      return (
        await supertest(app)
          .post('/revoke')
          .set({ Host: 'shop.example.com', ...headers })
      ).status;
    }
    test.each([
      ['an http page of an https host is refused', true, 'http', 'https', 403],
      ['an https page of an https host passes', true, 'https', 'https', 200],
      ['an http page of an http host passes', true, 'http', 'http', 200],
      ['an untrusted header can refuse', false, 'http', 'https', 403],
    ])('%s', async (_what, trust, page, host, status) => {
      const headers = { Origin: `${page}://shop.example.com`, 'X-Forwarded-Proto': host };
      expect(await schemes(trust, headers)).toBe(status);
    });
  });

  describe('origins of apps and extensions', () => {
    test.each([
      'capacitor://localhost',
      'ionic://localhost',
      'tauri://localhost',
      'app://obsidian.md',
      'app://.',
      'http://localhost',
      'https://localhost:8100',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'moz-extension://0f8fad5b-d9cb-469f-a165-70867728950e',
      'vscode-webview://1a2b3c',
      'capacitor://[::1]:3000',
      'Capacitor://LocalHost',
    ])('%s can be listed, and gets its CORS headers', async (origin) => {
      const { post } = await start([origin]);
      const sent = origin.toLowerCase();
      const response = await post({ Origin: sent, 'Sec-Fetch-Site': 'cross-site' });
      expect(response.status).toBe(200);
      expect(response.headers['access-control-allow-origin']).toBe(sent);
      for (const other of [`${sent}.evil`, `${sent}:99`, `x${sent}`, 'null', `${sent}/`]) {
        expect((await post({ Origin: other })).status).toBe(403);
      }
    });
  });

  describe('CORS headers', () => {
    test('name a listed origin, and allow its cookies', async () => {
      const { post } = await start(['https://other.example.com', listed]);
      const { headers } = await post({ Origin: listed });
      expect(headers).toMatchObject({
        'access-control-allow-origin': listed,
        'access-control-allow-credentials': 'true',
        vary: 'Origin, Sec-Fetch-Site',
      });
      expect(headers).not.toHaveProperty('access-control-allow-methods');
    });

    test('are on refusals too, so that the page can read why', async () => {
      const { post } = await start();
      const response = await post({ Origin: listed }).type('json').send('{');
      expect(response.status).toBe(400);
      expect(response.headers['access-control-allow-origin']).toBe(listed);
    });

    test.each([{}, { Origin: 'https://shop.example.com' }, { 'Sec-Fetch-Site': 'same-origin' }])(
      'are for nobody else, and caches are told what the reply depends on: %o',
      async (given: Record<string, string>) => {
        const { post } = await start();
        const { status, headers } = await post(given);
        expect(status).toBe(200);
        expect(headers.vary).toBe('Origin, Sec-Fetch-Site');
        for (const name of corsHeaders) expect(headers).not.toHaveProperty(name);
      },
    );

    test('keep the application’s own Vary header', async () => {
      const { moov } = await startMoov();
      const app = appOf(
        express,
        (_req, res, next) => {
          res.vary('Accept-Language');
          next();
        },
        ['/oauth', moov.revokeRouter({ guard: allow })],
      );
      const { headers } = await supertest(app).post('/oauth/revoke');
      expect(headers.vary).toBe('Accept-Language, Origin, Sec-Fetch-Site');
    });
  });

  describe('OPTIONS', () => {
    test('answers the preflight of a listed origin, and the guard is not asked', async () => {
      const { sandbox, app, asksOfGuard } = await start();
      const response = await supertest(app).options('/oauth/revoke').set({
        Origin: listed,
        'Sec-Fetch-Site': 'cross-site',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      });
      expect(response.status).toBe(204);
      expect(response.text).toBe('');
      expect(response.headers).toMatchObject({
        'access-control-allow-origin': listed,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization,content-type',
        'access-control-max-age': '600',
        allow: 'POST, OPTIONS',
        vary: 'Origin, Sec-Fetch-Site, Access-Control-Request-Headers',
      });
      expect(asksOfGuard()).toBe(0);
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('allows no headers when none are asked for', async () => {
      const { app } = await start();
      const { headers } = await supertest(app).options('/oauth/revoke').set('Origin', listed);
      expect(headers['access-control-allow-methods']).toBe('POST');
      expect(headers).not.toHaveProperty('access-control-allow-headers');
    });

    test('refuses the preflight of any other origin', async () => {
      const { app } = await start();
      const response = await supertest(app).options('/oauth/revoke').set({
        Origin: 'https://evil.example',
        'Access-Control-Request-Method': 'POST',
      });
      expect(response.status).toBe(403);
      for (const name of corsHeaders) expect(response.headers).not.toHaveProperty(name);
    });

    test('lists the methods for clients that are not browsers', async () => {
      const { app } = await start();
      const response = await supertest(app).options('/oauth/revoke');
      expect(response.status).toBe(204);
      expect(response.headers.allow).toBe('POST, OPTIONS');
      for (const name of corsHeaders) expect(response.headers).not.toHaveProperty(name);
    });
  });
});
