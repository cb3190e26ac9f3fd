// `npm run docs:reference`: one site of the README, the guides and the public surface, from every subpath of `exports`
// in package.json. A subpath that is added there is documented without a change here: ./x is src/x/index.ts.
import { readFileSync } from 'node:fs';
import { Converter, OptionDefaults } from 'typedoc';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const { exports } = JSON.parse(read('package.json'));
const subpaths = Object.keys(exports).filter((path) => path !== './package.json');
// In the order of their index, which lists each of them.
const guides = [...read('docs/README.md').matchAll(/^\| \[.+?\]\(([\w-]+\.md)\)/gm)].map(
  ([, file]) => `docs/${file}`,
);

/**
 * Names each page by its heading instead of its path, and shows the heading of the README, which is the site's title, once.
 *
 * @param {import('typedoc').Application} app
 */
function nameByHeading({ converter }) {
  converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => {
    const [, heading = page.name] = /^# (.+)$/m.exec(page.content[0]?.text ?? '') ?? [];
    page.name = heading;
  });
  converter.on(Converter.EVENT_END, ({ project }) => {
    const [first] = project.readme ?? [];
    if (first) first.text = first.text.replace(/^# .+\n/, '');
  });
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'express-moov-auth',
  entryPoints: subpaths.map((path) => `src/${path.slice(2)}/index.ts`.replace('//', '/')),
  tsconfig: 'tsconfig.esm.json',
  out: 'docs/reference',
  readme: 'README.md',
  projectDocuments: ['docs/README.md', ...guides, 'SECURITY.md', 'CHANGELOG.md'],
  plugin: [nameByHeading],
  sort: ['documents-first', 'kind', 'alphabetical-ignoring-documents'],
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'mermaid', 'sql'],
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  hideGenerator: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
  },
  // Parameters of functions that are one of several types: the property's own comment tells of them.
  intentionallyNotDocumented: [
    'express-moov-auth.MoovAuthOptions.accountID.__type.req',
    'express-moov-auth.BrowserTokenRouterOptions.scopes.__type.req',
  ],
  requiredToBeDocumented: [
    'Module',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'Constructor',
    'TypeAlias',
    'Enum',
    'EnumMember',
    'Parameter',
    'TypeParameter',
    'CallSignature',
    'ConstructorSignature',
  ],
};
