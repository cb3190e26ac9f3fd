// Calls moovAuth with one name after another on Object.prototype. A process of its own: what is put there disturbs servers too.
import http from 'node:http';
import { moovAuth } from 'express-moov-auth';

const { baseURL, evilPort, evilSocket, leading, rest, transport, when } = JSON.parse(process.argv[2]);
const evil = `http://127.0.0.1:${evilPort}`;
const toEvil = (_host, options, callback) => {
  const address = { address: '127.0.0.2', family: 4 };
  return options?.all ? callback?.(null, [address]) : callback?.(null, address.address, 4);
};
const agent = new http.Agent();
agent.createConnection = (_options, callback) =>
  http.globalAgent.createConnection({ host: '127.0.0.1', port: evilPort }, callback);
const values = [
  evil,
  evilPort,
  evilSocket,
  toEvil,
  agent,
  {
    host: '127.0.0.1',
    hostname: '127.0.0.1',
    port: evilPort,
    protocol: 'http',
    username: 'a',
    password: 'b',
  },
];
// Node's own code fails with some of these names.
process.on('uncaughtException', () => undefined);
let current = '';
let finished = false;
process.on('exit', () => {
  delete Object.prototype[current.split(' ')[0]];
  if (!finished) process.stderr.write(`Without an end: ${current}`);
});

const options = {
  baseURL,
  clientId: 'public',
  clientSecret: 'a-long-secret-of-a-key',
  transport,
  retries: 0,
  tokenTimeoutMs: 1000,
  timeoutMs: 1000,
  logger: undefined,
};
const settled = (promise) =>
  promise.then(
    () => undefined,
    () => undefined,
  );
const started = () => {
  try {
    return moovAuth('/ping.read', options);
  } catch {
    return undefined;
  }
};

const shared = started();
const isReady = () =>
  shared.ready().then(
    () => true,
    () => false,
  );
// A busy machine may need another attempt within these short limits.
while (!(await isReady()));
for (const [n, name] of [...leading, ...rest].entries()) {
  // The values take turns for the rest.
  for (const [v, value] of values.entries()) {
    if (n >= leading.length && v !== n % values.length) continue;
    current = `${name} = ${typeof value} ${v}`;
    Object.defineProperty(Object.prototype, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    try {
      const moov = when === 'before' ? started() : shared;
      if (moov === undefined) continue;
      const path = `/accounts/${n}`;
      await Promise.all([
        settled(moov.client.get(path, { timeout: 300 })),
        settled(moov.client.post(path, { n }, { timeout: 300 })),
        settled((async () => (await moov.fetch(path)).text())()),
      ]);
      // A set of scopes of its own each time: one source makes one token request a second.
      if (when === 'after') await settled(moov.accessToken({ scopes: `/n${n}-${v}.read` }));
      else await settled(moov.close());
    } finally {
      delete Object.prototype[name];
    }
  }
}
await shared.close();
finished = true;
process.exit(0);
