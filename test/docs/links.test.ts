import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guides, pages, readPage, root } from './markdown.js';

interface Link {
  readonly place: string;
  readonly target: string;
}

const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n').filter(Boolean);

describe('the links of every page', () => {
  const links = pages.flatMap(linksOf);

  it('are found', () => {
    expect(links.length).toBeGreaterThan(40);
  });

  it.each(links.filter(({ target }) => isExternal(target)))('lead to https: $place $target', ({ target }) => {
    expect(URL.canParse(target)).toBe(true);
    expect(new URL(target)).toMatchObject({ protocol: 'https:', username: '', password: '' });
    expect(new URL(target).hostname).toMatch(/^[a-z\d-]+(\.[a-z\d-]+)+$/);
  });

  it.each(links.filter(({ target }) => !isExternal(target)))(
    'lead to what there is: $place $target',
    ({ place, target }) => {
      const [page = ''] = place.split(':');
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), decodeURI(path)));
      expect(existsInRepository(file), `${file} is not in the repository`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(file)).toContain(anchor);
    },
  );
});

it('each guide is in the index, and the index in the README', () => {
  const index = linksOf('docs/README.md').map(({ target }) => `docs/${target}`);
  for (const guide of guides.filter((path) => path !== 'docs/README.md')) expect(index).toContain(guide);
  expect(linksOf('README.md').map(({ target }) => target)).toContain('docs/README.md');
});

it.each(guides)('%s says first who it is for', (guide) => {
  expect(readPage(guide).prose).toMatch(/^# .+\n\n(For (those|everyone)|Guides to) /);
});

it('every file of the repository that a page names is there', () => {
  const named = pages.flatMap((page) =>
    [...readPage(page).prose.matchAll(/`((?:src|test|examples|docs|bench|\.ci)\/[\w./-]*)`/g)].map(
      ([, file = '']) => file,
    ),
  );
  expect(named.length).toBeGreaterThan(20);
  // The reference documentation is made by a command.
  expect(named.filter((file) => file !== 'docs/reference' && !existsInRepository(file))).toEqual([]);
});

describe('anchors', () => {
  it('are those that GitHub makes', () => {
    const headings = [
      'Payments: nothing is sent twice by accident',
      "fetch, and Moov's SDK",
      'From `@moovio/node`',
    ];
    expect(headings.map(anchorOf)).toEqual([
      'payments-nothing-is-sent-twice-by-accident',
      'fetch-and-moovs-sdk',
      'from-moovionode',
    ]);
    expect(anchorOf('A [link](x.md), **bold**, and snake_case - C++')).toBe('a-link-bold-and-snake_case---c');
  });
});

/** Inline links, images, definitions and what stands in angle brackets or HTML, outside code. */
function linksOf(page: string): Link[] {
  return readPage(page)
    .prose.split('\n')
    .flatMap((line, index) => {
      const text = line.replace(/(`+).*?\1/g, (code) => code.replace(/[[\]()<>]/g, ' '));
      const found = [
        ...text.matchAll(/\]\(([^)\s]+)[^)]*\)/g),
        ...text.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/g),
        ...text.matchAll(/<(https?:[^>]+)>/g),
        ...text.matchAll(/(?:href|src)="([^"]+)"/g),
      ];
      return found.map(([, target = '']) => ({ place: `${page}:${index + 1}`, target }));
    });
}

function isExternal(target: string): boolean {
  return /^([a-z][a-z\d+.-]*:|\/\/)/i.test(target);
}

/** In the repository, and not merely made here by a command. */
function existsInRepository(file: string): boolean {
  if (file.startsWith('..') || ignored.some((name) => file === name || file.startsWith(`${name}/`)))
    return false;
  const path = join(root, file);
  return existsSync(path) && (!file.endsWith('/') || statSync(path).isDirectory());
}

function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  return [...readPage(page).prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(heading);
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** GitHub: the text without marks, in lower case, spaces as hyphens, and of other characters letters and numbers. */
function anchorOf(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}
