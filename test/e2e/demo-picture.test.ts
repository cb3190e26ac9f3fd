import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { presentable } from '../../docs/picture/presentable.js';
import { drawTerminal, linesOf } from '../../docs/picture/terminal.js';
import { Program } from '../../examples/program.js';

const svg = readFileSync(new URL('../../docs/demo.svg', import.meta.url), 'utf8');

/** How many of a hundred calls come before the new token is a matter of timing. */
const withoutCounts = (line: string) =>
  line.includes('Moov saw') ? line.replaceAll(/\d{2,}(?!\d)(?=,|$)/g, 'many') : line;

describe('docs/demo.svg', () => {
  it('shows what the demo prints', async () => {
    const demo = new Program('demo.ts');
    onTestFinished(async () => {
      await demo.stop();
    });
    expect(await demo.ended, demo.output).toBe(0);
    const printed = ['$ npm run demo', ...presentable(demo.output)].filter((line) => line !== '');
    expect(linesOf(svg).map(withoutCounts), 'npm run demo:picture draws it anew').toEqual(
      printed.map(withoutCounts),
    );
  });

  it('holds no path of a machine, no port, no token and no key', () => {
    expect(svg).not.toMatch(/\/(home|root|tmp|Users|work)\//);
    expect(svg).not.toMatch(/127\.0\.0\.1:\d/);
    expect(linesOf(svg).join('\n')).not.toMatch(/Bearer \S{20}|sandbox-(public|secret)-key/);
  });
});

describe('the drawing of a terminal', () => {
  it('preserves the lines, whatever characters they contain', () => {
    const lines = ['1. <step> & "more"', '   ok  a -> b &amp; c', '     indented', 'ok', '…'];
    expect(linesOf(drawTerminal('a <title>', lines))).toEqual(lines);
    expect(drawTerminal('a <title>', lines)).toContain('<title>a &lt;title&gt;</title>');
  });

  it('is the same for the same lines', () => {
    expect(drawTerminal('t', ['a', '', 'b'])).toBe(drawTerminal('t', ['a', '', 'b']));
  });
});
