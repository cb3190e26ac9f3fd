// What the clients talk to, in a process of its own: a token endpoint, a large JSON reply, a file, and one small JSON
// reply for everything else, when the request is there whole.
// Tokens that were not given here, have ended or were revoked are answered with 401.
import { createServer } from 'node:http';

/** What the parent may order. */
export type Order = { lifeSeconds: number } | 'revoke' | 'late' | 'hold' | 'counts';

export interface Counts {
  tokenRequests: number;
  connections: number;
}

const reply = Buffer.from(
  JSON.stringify({ ping: 'pong', accountID: 'b1d2c3a4-0000-4000-8000-000000000001' }),
);
const item = {
  transferID: 'b1d2c3a4-0000-4000-8000-000000000001',
  status: 'completed',
  amount: { value: 1_204 },
};
const replies: Readonly<Record<string, { type: string; body: Buffer }>> = {
  '/large': {
    type: 'application/json',
    body: Buffer.from(JSON.stringify(Array.from({ length: 1_060 }, () => item))),
  },
  '/file': { type: 'application/octet-stream', body: Buffer.alloc(20 * 1_048_576, 'x') },
};
const tokens = new Map<string, number>();
const counts: Counts = { tokenRequests: 0, connections: 0 };
let lifeSeconds = 3_600;
/** Whether the next call is answered late, and its token revoked in the meantime. */
let late = false;

const LATE_MS = 400;

/** Whether nothing is answered any more. */
let holds = false;

const server = createServer((request, response) => {
  if (holds) return;
  if (request.url === '/oauth2/token') {
    counts.tokenRequests++;
    request.resume();
    request.on('end', () => {
      const token = `token-${counts.tokenRequests}-${'x'.repeat(500)}`;
      tokens.set(`Bearer ${token}`, performance.now() + lifeSeconds * 1_000);
      const body = JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: lifeSeconds });
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
    });
    return;
  }
  if (late) {
    late = false;
    tokens.clear();
    setTimeout(() => response.writeHead(401).end(), LATE_MS);
    return;
  }
  const endsAt = tokens.get(request.headers.authorization ?? '');
  // The SDK sends the key itself, and the bare clients one fixed token.
  const known = endsAt === undefined ? /^(Basic|Bearer fixed)/ : undefined;
  const allowed = known?.test(request.headers.authorization ?? '') ?? Number(endsAt) > performance.now();
  if (!allowed) {
    response.writeHead(401).end();
    return;
  }
  const { type, body } = replies[request.url ?? ''] ?? { type: 'application/json', body: reply };
  const answer = () =>
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': String(body.length) }).end(body);
  if (request.method === 'GET') answer();
  else request.resume().once('end', answer);
});
server.on('connection', () => {
  counts.connections++;
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
});

process.on('message', (order: Order) => {
  if (order === 'revoke') tokens.clear();
  else if (order === 'late') late = true;
  else if (order === 'hold') holds = true;
  else if (typeof order === 'object') lifeSeconds = order.lifeSeconds;
  process.send?.({ counts });
});
