// Waits for the first token and is done: nothing but that keeps it running, and nothing keeps it from ending.
import { moovAuth } from '../../../src/index.js';

const moov = moovAuth('/ping.read');
await moov.ready();
const { status } = await moov.client.get('/ping');
console.log(`ready, ping ${status}`);
