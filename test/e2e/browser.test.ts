import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Example, startExample } from '../../examples/browser/app.js';
import { launchChromium } from '../helpers/chromium.js';
import { chromiumIsMissing } from '../helpers/programs.js';

// A browser is slow to start on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const PATIENCE_MS = 60_000;

describe.skipIf(chromiumIsMissing)('the page of examples/browser', () => {
  let browser: Browser;
  let example: Example;

  beforeAll(async () => {
    browser = await launchChromium();
    example = await startExample();
  });

  afterAll(async () => {
    await browser?.close();
    await example?.close();
  });

  /** A browser of its own, with its own cookies. What its pages complain about fails the test. */
  async function openPage(expectComplaints = false): Promise<Page> {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    const complaints: string[] = [];
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    context.on('weberror', (error) => complaints.push(String(error.error())));
    onTestFinished(async () => {
      await context.close();
      if (!expectComplaints) expect(complaints).toEqual([]);
    });
    return context.newPage();
  }

  async function fillIn(page: Page, name: string, password: string): Promise<void> {
    await page.goto(example.url);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function signIn(page: Page, name = 'Ada', password = 'engine'): Promise<void> {
    await fillIn(page, name, password);
    await page.locator('#life', { hasText: /\d min/ }).waitFor();
  }

  async function list(page: Page, what: 'wallets' | 'bank accounts'): Promise<string> {
    const path = `/${what.replace(' ', '-')}`;
    const answered = page.waitForResponse((response) => response.url().endsWith(path));
    await page.getByRole('button', { name: `List ${what}` }).click();
    await answered;
    await page.locator('#request', { hasText: path }).waitFor();
    return text(page, '#outcome');
  }

  async function text(page: Page, selector: string): Promise<string> {
    return (await page.locator(selector).textContent()) ?? '';
  }

  /** Waits until this notice of the sign-in page is shown and no other is. Before the style sheet is there, all are. */
  async function onlyNotice(page: Page, id: string): Promise<void> {
    const shown = () => page.locator('.notice:visible').evaluateAll((notices) => notices.map(({ id }) => id));
    await expect.poll(shown, { timeout: PATIENCE_MS }).toEqual([id]);
  }

  /** The requests for a path that reached the sandbox, preflights aside. */
  function seen(path: RegExp) {
    return example.sandbox.requests.filter(
      (request) => request.method !== 'OPTIONS' && path.test(request.path),
    );
  }

  function lastToken(): string {
    return /^Bearer (\S+)$/.exec(seen(/\/wallets$/).at(-1)?.headers.authorization ?? '')?.[1] ?? '';
  }

  /** Calls the sandbox with a token, from the registered origin but from outside of the browser. */
  async function statusWith(token: string, path: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}`, origin: example.url };
    return (await fetch(example.sandbox.url + path, { headers })).status;
  }

  /** What the page's scripts would be answered for a token request of theirs. */
  function requestToken(page: Page, body: object): Promise<{ status: number; body: string }> {
    return page.evaluate(async (text) => {
      const response = await fetch('/moov/token', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: text,
      });
      return { status: response.status, body: await response.text() };
    }, JSON.stringify(body));
  }

  function accountOf(name: string): string {
    const found = example.sandbox.accounts.find(({ displayName }) => displayName === name);
    if (found === undefined) throw new Error(`no account ${name}`);
    return found.accountID;
  }

  it('refuses a wrong password, and issues no token before the sign-in', async () => {
    const page = await openPage(true);
    await fillIn(page, 'Ada', 'compiler');
    await onlyNotice(page, 'failed');
    expect((await requestToken(page, {})).status).toBe(401);
    expect(await page.context().cookies()).toEqual([]);
  });

  it('shows the scopes and the remaining lifetime of the token, and never the token', async () => {
    const page = await openPage();
    await signIn(page);
    const account = `/accounts/${accountOf('Analytical Engines')}`;
    expect(await text(page, 'h1')).toBe('Analytical Engines');
    expect(await page.locator('#scopes li').allTextContents()).toEqual([
      `${account}/bank-accounts.read`,
      `${account}/wallets.read`,
    ]);

    const before = await text(page, '#life');
    expect(before).toMatch(/^(59 min \d\d|60 min 00) s$/);
    await expect.poll(() => text(page, '#life'), { timeout: PATIENCE_MS }).not.toBe(before);
    const seconds = (text: string) => Number(text.split(' ')[0]) * 60 + Number(text.split(' ')[2]);
    expect(seconds(await text(page, '#life'))).toBeLessThan(seconds(before));

    await list(page, 'wallets');
    expect(lastToken()).toMatch(/^\S{100,}$/);
    const html = await page.content();
    expect(html).not.toContain(lastToken().slice(0, 20));
    expect(html).not.toContain(lastToken().slice(-20));
    const stored = await page.context().storageState();
    expect(stored.origins).toEqual([]);
    expect(stored.cookies).toMatchObject([{ name: 'session', httpOnly: true, sameSite: 'Strict' }]);
    expect(JSON.stringify(stored)).not.toContain(lastToken().slice(0, 20));
  });

  it('calls Moov from the page: with its own Origin, and a token that the server does not hold', async () => {
    const page = await openPage();
    await signIn(page);
    expect(await list(page, 'wallets')).toBe('200: none there yet');
    expect(await text(page, '#body')).toBe('[]');
    expect(await text(page, '#request-id')).toMatch(/^[\da-f-]{36}$/);

    const call = seen(/\/wallets$/).at(-1);
    expect(call).toMatchObject({ method: 'GET', status: 200, headers: { origin: example.url } });
    expect(call?.path).toBe(`/accounts/${accountOf('Analytical Engines')}/wallets`);
    // The browser itself has sent it, and asked the sandbox before.
    expect(call?.headers['user-agent']).toContain('Chrome/');
    expect(example.sandbox.requests).toContainEqual(
      expect.objectContaining({ method: 'OPTIONS', path: call?.path, status: 204 }),
    );
    const ofServer = await example.moov.accessToken();
    expect(lastToken()).not.toBe(ofServer);
    expect(await statusWith(ofServer, `${call?.path}`)).toBe(403);
  });

  it('gives another user other scopes, and Moov refuses the rest', async () => {
    const page = await openPage(true);
    await signIn(page, 'Grace', 'compiler');
    const account = `/accounts/${accountOf('Compilers and Sons')}`;
    expect(await page.locator('#scopes li').allTextContents()).toEqual([`${account}/wallets.read`]);
    expect(await list(page, 'wallets')).toBe('200: none there yet');
    expect(await list(page, 'bank accounts')).toBe('403: this token may not do that');
  });

  it('can ask for fewer scopes, and for no others', async () => {
    const page = await openPage(true);
    await signIn(page);
    const own = `/accounts/${accountOf('Analytical Engines')}`;
    const others = `/accounts/${accountOf('Compilers and Sons')}`;
    const fewer = await requestToken(page, { scopes: [`${own}/wallets.read`] });
    expect(fewer.status).toBe(200);
    expect(JSON.parse(fewer.body)).toMatchObject({ scopes: [`${own}/wallets.read`] });

    const minted = example.sandbox.stats.tokensMinted;
    for (const scope of ['/accounts.write', `${own}/wallets.write`, `${others}/wallets.read`]) {
      const more = await requestToken(page, { scopes: [`${own}/wallets.read`, scope] });
      expect(more.status, scope).toBe(403);
      expect(JSON.parse(more.body)).toMatchObject({ error: 'invalid_scope' });
      expect(more.body).toContain(scope);
    }
    expect(example.sandbox.stats.tokensMinted).toBe(minted);
  });

  it('gets a new token when its own is refused, once for a call', async () => {
    const page = await openPage(true);
    await signIn(page);
    const { sandbox } = example;
    sandbox.expireTokens();
    const minted = sandbox.stats.tokensMinted;
    expect(await list(page, 'wallets')).toBe('200: none there yet');
    expect(sandbox.stats.tokensMinted).toBe(minted + 1);

    const path = `/accounts/${accountOf('Analytical Engines')}/bank-accounts`;
    sandbox.fail({ method: 'GET', path, status: 401, times: 2 });
    const tried = seen(/\/bank-accounts$/).length;
    await page.getByRole('button', { name: 'List bank accounts' }).click();
    await page.getByText('401: Moov has refused').waitFor();
    expect(seen(/\/bank-accounts$/).length).toBe(tried + 2);
    expect(sandbox.stats.tokensMinted).toBe(minted + 2);
  });

  it('revokes the token of this browser at sign-out, and no other', async () => {
    const page = await openPage(true);
    const elsewhere = await openPage();
    await signIn(page);
    await signIn(elsewhere);
    await list(elsewhere, 'wallets');
    const ofElsewhere = lastToken();
    await list(page, 'wallets');
    const token = lastToken();
    const path = seen(/\/wallets$/).at(-1)?.path ?? '';
    const ofServer = await example.moov.accessToken();
    expect(new Set([token, ofElsewhere, ofServer]).size).toBe(3);
    expect(await statusWith(token, path)).toBe(200);

    const { tokenRequests } = example.sandbox.stats;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await onlyNotice(page, 'signed-out');
    expect(await statusWith(token, path)).toBe(401);
    expect(await page.context().cookies()).toEqual([]);
    expect((await requestToken(page, {})).status).toBe(401);

    expect(await statusWith(ofElsewhere, path)).toBe(200);
    expect(await list(elsewhere, 'wallets')).toBe('200: none there yet');
    expect(await statusWith(ofServer, '/accounts')).toBe(200);
    expect((await example.moov.client.get('/accounts')).status).toBe(200);
    expect(await example.moov.accessToken()).toBe(ofServer);
    expect(example.sandbox.stats.tokenRequests).toBe(tokenRequests);
  });

  it('signs out although Moov does not revoke, and says so', async () => {
    const page = await openPage(true);
    await signIn(page);
    example.sandbox.fail({ path: '/oauth2/revoke', status: 400 });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await onlyNotice(page, 'not-revoked');
    expect((await requestToken(page, {})).status).toBe(401);
  });

  // A port is no part of a site, so the user's SameSite cookie does come along from another port of this host.
  it.each([
    ['another site', 'localhost', false],
    ['another origin of the same site', '127.0.0.1', true],
  ])('gives %s no token for its user', async (_what, host, cookieComesAlong) => {
    const page = await openPage(true);
    await signIn(page);
    const { stats } = example.sandbox;
    const { port, close } = await serve('<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>');
    onTestFinished(close);
    const other = await page.context().newPage();
    await other.goto(`http://${host}:${port}`);

    // By script: with a JSON body, which takes a preflight, and without, which takes none.
    const outcomes = await other.evaluate(async (url) => {
      const tries = [
        { headers: { 'Content-Type': 'application/json' }, body: '{}' },
        {},
        { mode: 'no-cors' as const },
      ];
      const read = async (init: RequestInit) => {
        const response = await fetch(url, { method: 'POST', credentials: 'include', ...init });
        return `${response.type} ${await response.text()}`;
      };
      return Promise.all(tries.map((init) => read(init).catch((error: Error) => error.name)));
    }, `${example.url}/moov/token`);
    expect(outcomes).toEqual(['TypeError', 'TypeError', 'opaque ']);

    // By a form, which needs nobody's consent; here the answer can be seen.
    const posted = other.waitForRequest((request) => request.isNavigationRequest());
    await other.setContent(
      `<form method="post" action="${example.url}/moov/token"><button>Go</button></form>`,
    );
    await other.getByRole('button').click();
    const request = await posted;
    expect((await request.response())?.status()).toBe(403);
    await other.getByText('access_denied').waitFor();
    expect((await request.allHeaders()).cookie?.startsWith('session=') ?? false).toBe(cookieComesAlong);

    expect(example.sandbox.stats).toEqual(stats);
    expect(await list(page, 'wallets')).toBe('200: none there yet');
  });

  it('runs no script but its own, and calls only its server and Moov', async () => {
    const page = await openPage(true);
    await signIn(page);
    const { port, close } = await serve('window.smuggled = true');
    onTestFinished(close);
    await page.addScriptTag({ content: 'window.smuggled = true' }).catch(() => undefined);
    await page.addScriptTag({ url: `http://127.0.0.1:${port}/` }).catch(() => undefined);
    const outcome = await page.evaluate(async (url) => {
      const called = await fetch(url, { mode: 'no-cors' }).catch((error: Error) => error.name);
      return { called, isSmuggled: 'smuggled' in globalThis };
    }, `http://127.0.0.1:${port}/`);
    expect(outcome).toEqual({ called: 'TypeError', isSmuggled: false });
  });

  it('supplies a Drop with a token, and with a new one when the Drop reports that it is no good', async () => {
    const page = await openPage();
    await signIn(page);
    // As text, or the import would be rewritten for Node.
    const module = await page.evaluateHandle<DropsModule>("import('/drops.js')");
    const result = await module.evaluate(async ({ connectDrop }) => {
      const set: string[] = [];
      const reported: string[] = [];
      const moov = { setToken: (token: string) => set.push(token) };
      const drop: Drop = {};
      const onError = (errorType: string) => drop.onError?.({ errorType, error: errorType });
      let minted = 0;
      const mint = async () => `token ${++minted}`;
      await connectDrop(moov, drop, mint, (error) => reported.push(error));
      const first = drop.token;
      await onError('card');
      await onError('token');
      const second = drop.token;
      await onError('token');
      drop.onResourceCreated?.();
      await onError('token');
      return { first, second, last: drop.token, set, reported };
    });
    expect(result).toEqual({
      first: 'token 1',
      second: 'token 2',
      last: 'token 3',
      set: ['token 1', 'token 2', 'token 3'],
      reported: ['card', 'token'],
    });
  });
});

interface Drop {
  token?: string;
  onError?: (problem: { errorType: string; error: string }) => Promise<void>;
  onResourceCreated?: () => void;
}

interface DropsModule {
  connectDrop(
    moov: { setToken(token: string): void },
    drop: Drop,
    mint: () => Promise<string>,
    report: (error: string) => void,
  ): Promise<void>;
}

async function serve(body: string): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    const type = request.headers['sec-fetch-dest'] === 'script' ? 'text/javascript' : 'text/html';
    response.setHeader('content-type', type).end(body);
  });
  // On every address, as localhost may be IPv6.
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
