import { MoovConfigError } from './errors.js';
import { describeType } from './utils/value-type.js';

/**
 * A template tag that builds a path. Each value becomes one segment, whatever it contains:
 * `` moovPath`/accounts/${accountID}` ``.
 *
 * @param strings - The fixed text of the template, used unchanged.
 * @param values - Strings or numbers; percent-encoded (RFC 3986 section 2.1).
 * @returns the path.
 * @throws {@link MoovConfigError} for a value that cannot be a segment: the empty string, `.`, `..`, a lone surrogate,
 * a number that is not finite, or another type; and when it is called as a function. The message names the position,
 * never the value.
 */
export function moovPath(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  if (!Array.isArray(strings)) {
    throw new MoovConfigError(
      `moovPath is a template tag: write moovPath\`/accounts/\${accountID}\`, without parentheses; got ${describeType(strings)}.`,
    );
  }
  return strings.reduce((path, text, index) => `${path}${segment(values[index - 1], index)}${text}`);
}

function segment(value: unknown, position: number): string {
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string') throw unfit(position, `got ${value === null ? 'null' : typeof value}`);
  if (text === '' || text === '.' || text === '..') throw unfit(position, 'got "", "." or ".."');
  try {
    return encodeURIComponent(text);
  } catch {
    throw unfit(position, 'got a string with a lone surrogate');
  }
}

function unfit(position: number, got: string): MoovConfigError {
  return new MoovConfigError(
    `moovPath: value ${position} must be a non-empty string or a finite number that can be one path segment; ${got}.`,
  );
}
