// `npm run demo:picture`: what a run of the demo prints, as docs/demo.svg.
import { writeFileSync } from 'node:fs';
import { Program } from '../../examples/program.js';
import { presentable } from './presentable.js';
import { drawTerminal } from './terminal.js';

const demo = new Program('demo.ts');
if ((await demo.ended) !== 0) throw new Error(`The demo failed:\n${demo.output}`);
const lines = ['$ npm run demo', ...presentable(demo.output)];
writeFileSync(
  new URL('../demo.svg', import.meta.url),
  drawTerminal('What npm run demo prints: each step, and what Moov saw of it', lines),
);
