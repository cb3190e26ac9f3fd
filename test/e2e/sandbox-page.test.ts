import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMoovSandbox, type MoovSandbox } from '../../src/sandbox/index.js';
import { launchChromium } from '../helpers/chromium.js';
import { chromiumIsMissing } from '../helpers/programs.js';

// A browser is slow to start on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const PATIENCE_MS = 60_000;

const seed = {
  accounts: [{ name: 'Ada Lovelace', cards: [{}] }],
};

describe.skipIf(chromiumIsMissing)('the page of the sandbox', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
  });

  /** A sandbox and its page. What the browser complains about fails the test. */
  async function open(width = 1280, expectComplaints = false): Promise<{ sandbox: MoovSandbox; page: Page }> {
    const sandbox = createMoovSandbox({ seed });
    await sandbox.listen();
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    context.setDefaultTimeout(PATIENCE_MS);
    const complaints: string[] = [];
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    context.on('weberror', (error) => complaints.push(String(error.error())));
    onTestFinished(async () => {
      await context.close();
      await sandbox.close();
      if (!expectComplaints) expect(complaints).toEqual([]);
    });
    const page = await context.newPage();
    await page.goto(sandbox.url);
    await page.getByText('Listening on').waitFor();
    return { sandbox, page };
  }

  function call(
    { url, credentials }: MoovSandbox,
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const authorization = `Basic ${btoa(`${credentials.clientId}:${credentials.clientSecret}`)}`;
    return fetch(url + path, { ...init, headers: { authorization, ...init.headers } });
  }

  function pay(sandbox: MoovSandbox, key: string): Promise<Response> {
    const { platform, accounts } = sandbox.seeded;
    return call(sandbox, `/accounts/${platform.accountID}/transfers`, {
      method: 'POST',
      headers: { 'x-idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({
        source: { paymentMethodID: accounts[0]?.cards[0]?.paymentMethodID },
        destination: { paymentMethodID: platform.wallet?.paymentMethodID },
        amount: { currency: 'USD', value: 1999 },
      }),
    });
  }

  /** Waits until so many requests are shown and each is answered, as a row changes then. */
  function answered(page: Page, count: number): Promise<void> {
    const statuses = () => page.locator('#requests .status').allTextContents();
    return expect
      .poll(statuses, { timeout: PATIENCE_MS })
      .toEqual(Array.from({ length: count }, () => expect.stringMatching(/^\d{3}$/)));
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  it('shows requests as they arrive, and each whole when it is opened', async () => {
    const { sandbox, page } = await open();
    await page.getByText('None yet. Run your server').waitFor();
    await call(sandbox, '/accounts?name=ada', { headers: { 'x-trace': 'my-trace' } });
    await call(sandbox, '/nowhere');
    const rows = page.locator('#requests details');
    await rows.nth(1).waitFor();
    // The newest first.
    await expect
      .poll(() => rows.locator('.path').allTextContents(), { timeout: PATIENCE_MS })
      .toEqual(['/nowhere', '/accounts?name=ada']);
    await expect
      .poll(() => rows.locator('.status').allTextContents(), { timeout: PATIENCE_MS })
      .toEqual(['404', '200']);
    await rows.nth(1).locator('summary').click();
    await rows.nth(1).locator('pre').nth(4).waitFor();
    const details = await rows.nth(1).locator('pre').allTextContents();
    expect(details).toEqual([
      '/accounts?name=ada',
      'API key',
      expect.stringContaining('x-trace: my-trace'),
      expect.stringContaining('content-type: application/json'),
      expect.stringContaining('"displayName": "Ada Lovelace"'),
    ]);
    expect(details.join()).toContain('authorization: Basic •••');
    expect(details.join()).not.toContain(btoa(sandbox.credentials.clientId).slice(0, 16));
  });

  it('shows markup in a path, a header and a body as text, and runs none of it', async () => {
    const { sandbox, page } = await open();
    const markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    const profile = { business: { legalBusinessName: markup } };
    await call(sandbox, '/accounts', {
      method: 'POST',
      headers: { 'x-markup': markup, 'content-type': 'application/json' },
      body: JSON.stringify({ accountType: 'business', profile, foreignID: markup }),
    });
    sandbox.seed({ accounts: [{ name: markup }] });
    await call(sandbox, `/accounts/${sandbox.accounts.at(-1)?.accountID}?x=${encodeURIComponent(markup)}`);
    // fetch would encode the path.
    const { port } = new URL(sandbox.url);
    const { connect } = await import('node:net');
    await new Promise((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.end(`GET /<img/src=x/onerror=window.hacked=1> HTTP/1.1\r\nhost: x\r\n\r\n`),
      );
      socket.resume().on('close', resolve);
    });
    await answered(page, 3);
    for (const row of await page.locator('summary').all()) await row.click();
    await expect.poll(() => page.locator('#accounts li').count(), { timeout: PATIENCE_MS }).toBe(4);
    await page.locator('#requests').getByText('x-markup: ').waitFor();
    await page.locator('#requests details:last-child pre').nth(4).waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain(`x-markup: ${markup}`);
    expect(text).toContain(JSON.stringify(markup));
    expect(text).toContain('/<img/src=x/onerror=window.hacked=1>');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.evaluate("'hacked' in window")).toBe(false);
  });

  it('runs no script but its own', async () => {
    const { page } = await open(1280, true);
    await page.addScriptTag({ content: 'window.smuggled = 1' }).catch(() => undefined);
    await page.evaluate(
      "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.smuggled = 1\">')",
    );
    const outcome = await page.evaluate("fetch('http://127.0.0.1:1/').catch((error) => error.name)");
    expect(outcome).toBe('TypeError');
    expect(await page.evaluate("'smuggled' in window")).toBe(false);
  });

  it('shows accounts, wallets, transfers and tokens, and settles a transfer', async () => {
    const { sandbox, page } = await open();
    expect(await page.locator('#accounts .head').allInnerTexts()).toEqual([
      expect.stringMatching(/Sandbox Platform\s+0\.00 USD/),
      expect.stringMatching(/Ada Lovelace\s+no wallet/),
    ]);
    await page.getByText('payment methods: 1').nth(1).click();
    await page.getByText('card-payment, Visa 1111').waitFor();
    await page.getByText(String(sandbox.seeded.accounts[0]?.cards[0]?.paymentMethodID)).waitFor();
    await call(sandbox, '/oauth2/token', {
      method: 'POST',
      headers: { origin: 'https://app.example.com', 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials', scope: '/ping.read' }),
    });
    expect((await pay(sandbox, 'a')).status).toBe(200);
    await page.locator('#transfers').getByText('pending').waitFor();
    await page
      .locator('#tokens')
      .getByText(/^59 min \d+ s left$/)
      .waitFor();
    await page.locator('#tokens').getByText('/ping.read').waitFor();
    await press(page, 'Settle');
    await page.locator('#transfers').getByText('completed').waitFor();
    await page.locator('#accounts').getByText('19.99 USD').waitFor();
    expect(sandbox.transfers).toMatchObject([{ status: 'completed' }]);
    expect((await pay(sandbox, 'b')).status).toBe(200);
    await press(page, 'Let it fail');
    await page.locator('#transfers').getByText('failed: call-issuer').waitFor();
  });

  it('makes trouble, and takes it back', async () => {
    const { sandbox, page } = await open();
    await press(page, 'Lose the next payment’s response');
    await page.getByText(/The next POST request that matches .*: acted on, response lost/).waitFor();
    expect(await pay(sandbox, 'lost').catch(() => 'no response')).toBe('no response');
    await page.locator('.status', { hasText: 'lost' }).waitFor();
    expect(sandbox.transfers).toHaveLength(1);
    await expect.poll(() => page.locator('#faults li').count(), { timeout: PATIENCE_MS }).toBe(0);

    await press(page, '503 for 10 s');
    await page.getByText(/All requests: status 503, for \d+ s more/).waitFor();
    expect((await call(sandbox, '/ping')).status).toBe(503);
    await press(page, 'Clear faults');
    await page.getByText('All faults are removed.').waitFor();
    expect((await call(sandbox, '/ping')).status).toBe(200);

    await press(page, '429 for 5 requests');
    await page.getByText('The next 5 requests: status 429').waitFor();
    const limited = await call(sandbox, '/ping');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1']);

    await press(page, 'Reset');
    await page.getByText('None yet. Run your server').waitFor();
    await expect.poll(() => page.locator('#transfers li').count(), { timeout: PATIENCE_MS }).toBe(0);
    expect(sandbox.requests).toEqual([]);

    // What the program around it does shows too.
    await call(sandbox, '/ping');
    await page.locator('#requests details').waitFor();
    sandbox.reset();
    await page.getByText('None yet. Run your server').waitFor();
    sandbox.seed({ accounts: [{ name: 'Grace Hopper' }] });
    await page.locator('#accounts').getByText('Grace Hopper').waitFor();
  });

  it.each(['Expire all tokens', 'Revoke all tokens'])('%s: the next call gets a 401', async (name) => {
    const { sandbox, page } = await open();
    const headers = { origin: 'https://app.example.com', 'content-type': 'application/json' };
    const body = JSON.stringify({ grant_type: 'client_credentials', scope: '/ping.read' });
    const response = await call(sandbox, '/oauth2/token', { method: 'POST', headers, body });
    const token = /"access_token":"([^"]+)"/.exec(await response.text())?.[1] ?? '';
    const ping = async () =>
      (await call(sandbox, '/ping', { headers: { ...headers, authorization: `Bearer ${token}` } })).status;
    expect(await ping()).toBe(200);
    expect(await page.locator('main').innerText()).not.toContain(token.slice(0, 20));
    await press(page, name);
    await page.getByText('None is valid.').waitFor();
    expect(await ping()).toBe(401);
  });

  it('finds a sandbox again that was gone', async () => {
    const { sandbox, page } = await open(1280, true);
    const port = Number(new URL(sandbox.url).port);
    await sandbox.close();
    await page.getByText('The sandbox cannot be reached.').waitFor();
    await sandbox.listen(port);
    await call(sandbox, '/ping');
    await page.getByText('Listening on').waitFor();
    await expect.poll(() => page.locator('#requests details').count(), { timeout: PATIENCE_MS }).toBe(1);
  });

  it('is readable at 380 pixels: nothing is wider than the screen', async () => {
    const { sandbox, page } = await open(380);
    await pay(sandbox, 'a');
    await call(sandbox, `/accounts/${'x'.repeat(300)}/cards/${'y'.repeat(300)}`);
    await answered(page, 2);
    for (const row of await page.locator('summary').all()) await row.click();
    await page.locator('#transfers').getByText('pending').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(380);
  });
});
