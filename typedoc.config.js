// `npm run docs:reference`: the public surface, from every subpath of `exports` in package.json. A subpath that is
// added there is documented without a change here: ./x is src/x/index.ts.
import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const subpaths = Object.keys(exports).filter((path) => path !== './package.json');

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'express-moov-auth',
  entryPoints: subpaths.map((path) => `src/${path.slice(2)}/index.ts`.replace('//', '/')),
  tsconfig: 'tsconfig.esm.json',
  out: 'docs/reference',
  readme: 'none',
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
