import { describe, expect, it } from 'vitest';
import { guides, readPage } from './markdown.js';

const diagrams = guides
  .flatMap((path) => readPage(path).blocks)
  .filter(({ language }) => language === 'mermaid');

const node = String.raw`\w+(?:\["[^"]+"\]|\{"[^"]+"\})?`;
const edge = `(?:-->|-- (?:[a-z]+|"[^"]+") -->)`;
const flowLine = new RegExp(`^  ${node} ${edge} ${node}$`);
const sequenceLine =
  /^ {2,4}(participant \w+ as [\w ]+|\w+--?>>\w+: [^;#]+|Note over \w+(,\w+)?: [^;#]+|alt [^;#]+|else [^;#]+|end)$/;

// What GitHub draws with is not installed here. A small part of its language, on which there is no doubt, is enough.
describe('every diagram', () => {
  it('is found', () => {
    expect(diagrams.length).toBeGreaterThan(3);
  });

  it.each(diagrams)('keeps to plain syntax: $place', ({ code }) => {
    const [kind = '', ...lines] = code.trimEnd().split('\n');
    expect(['flowchart TD', 'sequenceDiagram']).toContain(kind);
    const flow = kind.startsWith('flowchart');
    expect(lines.filter((line) => !(flow ? flowLine : sequenceLine).test(line))).toEqual([]);
    if (flow) {
      const ids = new Set(
        lines.flatMap((line) =>
          [...line.replace(/"[^"]+"/g, '""').matchAll(/(?:^ {2}|> )(\w+)/g)].map(([, id]) => id),
        ),
      );
      const labelled = new Set([...code.matchAll(/(\w+)(?:\["|\{")/g)].map(([, id]) => id));
      expect(ids, 'each node has its text once').toEqual(labelled);
      expect(
        [...ids].filter((id) => /^(end|graph|subgraph|class|click|style|default|call)$/.test(String(id))),
      ).toEqual([]);
    } else {
      const actors = [...code.matchAll(/participant (\w+)/g)].map(([, id]) => id);
      const used = [...code.matchAll(/^ +(\w+)--?>>(\w+)/gm)].flatMap(([, from, to]) => [from, to]);
      expect([...new Set(used)].sort()).toEqual([...actors].sort());
      const count = (word: string) => lines.filter((line) => line.trim().split(' ')[0] === word).length;
      expect(count('alt')).toBe(count('end'));
    }
  });
});
