import { escaped } from './escaped.js';

/** A bar, with the quartiles that its value lies between. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Whether it is one of this package's. */
  readonly isOwn: boolean;
}

export interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 860;
const LABELS = 340;
const VALUES = 60;
const BAR = 16;
const ROW = 24;
const HEAD = 44;
const MARGIN = 24;

const style = `
.paper { fill: #ffffff; stroke: #d0d7de }
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.own { fill: #0a7d4f }
.other { fill: #8c959f }
.quartiles { stroke: #1f2328; stroke-width: 1.5 }
.one { stroke: #cf222e; stroke-dasharray: 4 3 }
`.trim();

/**
 * Draws groups of horizontal bars, all on one scale, with a line at 1.
 *
 * @param title - Says what the chart shows, to those who can't see it too.
 * @returns an SVG document; the same groups give the same one.
 */
export function drawChart(title: string, groups: readonly Group[]): string {
  const largest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ high }) => high)));
  const scale = (WIDTH - LABELS - VALUES - 2 * MARGIN) / largest;
  const x = (value: number) => (MARGIN + LABELS + value * scale).toFixed(1);
  const parts: string[] = [];
  let y = MARGIN;
  for (const { title: heading, bars } of groups) {
    parts.push(`<text class="title" x="${MARGIN}" y="${y + 18}">${escaped(heading)}</text>`);
    y += HEAD - 14;
    const top = y;
    for (const { label, value, low, high, isOwn } of bars) {
      const middle = y + BAR / 2;
      parts.push(
        `<text x="${MARGIN + LABELS - 10}" y="${y + 13}" text-anchor="end">${escaped(label)}</text>`,
        `<rect class="${isOwn ? 'own' : 'other'}" x="${x(0)}" y="${y}" width="${(value * scale).toFixed(1)}" height="${BAR}"/>`,
        `<path class="quartiles" d="M${x(low)} ${middle}H${x(high)}"/>`,
        `<text x="${Number(x(Math.max(value, high))) + 6}" y="${y + 13}">${value.toFixed(2)}</text>`,
      );
      y += ROW;
    }
    parts.push(`<path class="one" d="M${x(1)} ${top - 4}V${y - 4}"/>`);
    y += MARGIN;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${y - 1}" rx="10"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
