// Never asks for its token, which is not available: it must neither crash nor be kept running by that.
import { moovAuth } from '../../../src/index.js';

const moov = moovAuth('/ping.read');
setTimeout(() => console.log(`state ${moov.status().state}`), 1_500);
