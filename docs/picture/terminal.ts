import { escaped } from './escaped.js';

const COLUMN = 8.4;
const LINE = 20;
const MARGIN = 24;
const BAR = 36;

const style = `
.frame { fill: #11161d; stroke: #30363d }
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; fill: #c9d1d9 }
.step { fill: #79c0ff; font-weight: 600 }
.ok { fill: #56d364; font-weight: 600 }
.note { fill: #8b949e }
`.trim();

/**
 * Draws what a program printed as a terminal window.
 *
 * @param title - Says what the picture shows, to those who can't see it too.
 * @param lines - Plain text, top to bottom. What begins with a number and a dot is shown as a heading, `ok` in green.
 * @returns an SVG document; the same lines give the same one.
 */
export function drawTerminal(title: string, lines: readonly string[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * COLUMN) + 2 * MARGIN;
  const height = BAR + lines.length * LINE + MARGIN;
  const texts = lines.flatMap((line, index) =>
    line === '' ? [] : [`<text x="${MARGIN}" y="${BAR + (index + 1) * LINE - 4}">${spans(line)}</text>`],
  );
  const lights = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, index) => `<circle cx="${MARGIN + index * 20}" cy="20" r="6" fill="${fill}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" xml:space="preserve">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="frame" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    ...lights,
    ...texts,
    '</svg>',
    '',
  ].join('\n');
}

/** The lines of a picture's text, without the empty ones, which are not drawn. */
export function linesOf(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, line = '']) =>
    unescaped(line.replaceAll(/<[^>]*>/g, '')),
  );
}

function spans(line: string): string {
  const [, indent = '', ok, rest = ''] = /^( *)(ok\b)?(.*)$/.exec(line) ?? [];
  if (ok !== undefined) return `${indent}<tspan class="ok">${ok}</tspan>${escaped(rest)}`;
  if (/^(\d+\.|\$) /.test(rest) && indent === '') return `<tspan class="step">${escaped(rest)}</tspan>`;
  return `<tspan class="note">${indent}${escaped(rest)}</tspan>`;
}

function unescaped(text: string): string {
  return text.replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
