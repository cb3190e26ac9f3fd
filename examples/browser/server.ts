// A page that calls Moov from the browser, with short-lived tokens that this server mints for the signed-in user.
//
//   npm run build
//   npx tsx examples/browser/server.ts      then open the address that it prints; PORT chooses the port (3000)
//
// Moov is played by a sandbox, so no key is needed and nothing leaves this machine.
//
//   app.ts        moovAuth and the two routers, browserTokenRouter and revokeRouter
//   sign-in.ts    the sign-in: your own takes its place
//   public/       the page: home.js is what it does, token.js its token, drops.js the same for Moov.js and Drops
import { startExample } from './app.js';

const example = await startExample(Number(process.env.PORT ?? 3000));
console.log(`Listening on ${example.url}
Moov is played by the sandbox at ${example.sandbox.url}. Ctrl+C stops both.`);

// `on`, as Ctrl+C under npm comes twice: from the terminal and from npm. Closing twice is no error.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => example.close());
