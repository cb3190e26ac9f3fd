import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('the README is a front page', () => {
  it('of at most 170 lines and 1,500 words', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(170);
    expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_500);
  });

  it('whose contents list has every section', () => {
    const sections = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const contents = [...readme.matchAll(/\[([^\]]+)\]\(#[^)]+\)/g)].map(([, text]) => text);
    expect(contents).toEqual(sections);
  });
});
