// Prints the heap per pooled token in bytes: `node --expose-gc --import tsx bench/compare/memory.ts`.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { moovAuth } from '../../dist/esm/index.js';

const TOKENS = 10_000;

const server = createServer((request, response) => {
  const body =
    request.url === '/oauth2/token'
      ? { access_token: randomUUID() + 'x'.repeat(560), token_type: 'Bearer', expires_in: 3_600 }
      : { ping: 'pong' };
  request.resume();
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', async () => {
  const address = server.address();
  const moov = moovAuth('/accounts/{accountID}/wallets.read', {
    clientId: 'bench-public-key',
    clientSecret: 'bench-secret-key',
    baseURL: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    maxTokens: TOKENS,
  });
  const hold = async (count: number) => {
    for (let done = 0; done < count; done += 100) {
      await Promise.all(Array.from({ length: 100 }, () => moov.accessToken({ accountID: randomUUID() })));
    }
  };
  await hold(100);
  const before = heap();
  await hold(TOKENS - 100);
  const bytes = (heap() - before) / (TOKENS - 100);
  await moov.close();
  server.close();
  server.closeAllConnections();
  console.log(`heap per pooled token at ${TOKENS}: ${(bytes / 1_024).toFixed(1)} KiB`);
});

function heap(): number {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
