import { type Browser, chromium } from 'playwright-core';
import { chromiumPath } from './programs.js';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium, without a window; the caller closes it. */
export function launchChromium(): Promise<Browser> {
  // Playwright's own notion of headless wants another binary.
  return chromium.launch({
    executablePath: String(chromiumPath),
    headless: false,
    args: flags,
    timeout: 100_000,
  });
}
