import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The guides, and the pages at the top of the repository. */
export const guides = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
export const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...guides];

/** A fenced block of code. */
export interface Block {
  /** The page and the line of its fence, for messages. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
  /** From comments in front of the block, which GitHub does not show: `<!-- name: value -->`, one a line. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

/** A page as far as the tests look at it. */
export interface Page {
  readonly path: string;
  /** The text without fenced blocks and comments, in which their lines are empty. */
  readonly prose: string;
  readonly blocks: readonly Block[];
}

const note = /^<!-- ([a-z ]+): (.+) -->$/;

/** Reads a page, given as its path in the repository. */
export function readPage(path: string): Page {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const prose: string[] = [];
  const blocks: Block[] = [];
  let notes = new Map<string, string[]>();
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, name, value] = note.exec(line) ?? [];
    const [, fence, language = ''] = /^(`{3,})(\w*)$/.exec(line) ?? [];
    prose.push(fence === undefined && name === undefined ? line : '');
    if (name !== undefined && value !== undefined) {
      notes.set(name, [...(notes.get(name) ?? []), value]);
    } else if (fence !== undefined) {
      const place = `${path}:${at + 1}`;
      const code: string[] = [];
      for (at++; lines[at] !== fence; at++) {
        const inside = lines[at];
        if (inside === undefined) throw new Error(`${place}: the block does not end`);
        code.push(inside);
        prose.push('');
      }
      prose.push('');
      blocks.push({ place, language, code: `${code.join('\n')}\n`, notes });
      notes = new Map();
    } else if (line.trim() !== '') {
      if (notes.size > 0) throw new Error(`${path}:${at + 1}: a note must stand right before its block`);
    }
  }
  return { path, prose: prose.join('\n').replace(/<!--.*?-->/gs, ''), blocks };
}
