// Bundles the modules of a build into a few files: `node scripts/bundle.js <folder>`. The folder has `esm` and `cjs` as tsc
// compiled them. A process takes about half a millisecond to load a file, and there are a hundred. Each file that
// package.json names remains. What several of them use is in `chunks`, so that it is loaded once. Types stay as they are.
// @ts-check
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rollup } from 'rollup';

const folder = process.argv[2] ?? '';
const description = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
const entries = new Set([...description.matchAll(/dist\/esm\/([\w/-]+)\.js/g)].map(([, name]) => name ?? ''));

const bundle = await rollup({
  input: Object.fromEntries([...entries].map((name) => [name, join(folder, 'esm', `${name}.js`)])),
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  treeshake: false,
});
for (const format of /** @type {const} */ (['esm', 'cjs'])) {
  const dir = join(folder, format);
  for (const file of readdirSync(dir, { encoding: 'utf8', recursive: true })) {
    if (file.endsWith('.js')) rmSync(join(dir, file));
  }
  await bundle.write({
    dir,
    format,
    chunkFileNames: 'chunks/[name].js',
    minifyInternalExports: false,
    // As TypeScript makes it. Jest cannot load modules by import().
    esModule: true,
    interop: 'auto',
    dynamicImportInCjs: false,
  });
}
