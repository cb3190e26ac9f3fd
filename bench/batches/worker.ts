// Does one work, in a process of its own.
import type { WorkSettings } from './settings.js';
import { works } from './works.js';

const settings: WorkSettings = JSON.parse(process.argv[2] ?? '{}');
const prepare = works[settings.work];
if (prepare === undefined) throw new Error(`No work ${settings.work}`);
const run = await prepare(settings);
process.on('message', async () => {
  process.send?.(await run());
});
process.send?.('ready');
