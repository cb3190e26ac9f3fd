/** What would break a line, hide a part of it or turn it round: line ends, terminal sequences, bidirectional marks. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Returns text from outside as one line of a log or a terminal.
 *
 * @param text - Any text, such as a path or a header.
 * @param limit - The most characters returned. A longer line is cut, and ends with `…`.
 */
export function oneLine(text: string, limit = 500): string {
  // Cut first, as escaping a body of megabytes would take long.
  const line = text.slice(0, limit + 1).replace(unprintable, escaped);
  // The cut must not leave half of a character.
  return line.length <= limit ? line : `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

function escaped(character: string): string {
  return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
