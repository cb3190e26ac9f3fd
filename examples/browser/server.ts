// A page that calls Moov from the browser, with short-lived tokens that this server requests for the signed-in user.
//
//   npm run build
//   npx tsx examples/browser/server.ts      then open the address that it prints; PORT chooses the port (3000)
//
// A sandbox takes the place of Moov, so no key is needed and nothing leaves this machine.
//
//   app.ts        moovAuth and the two routers, browserTokenRouter and revokeRouter
//   sign-in.ts    the sign-in: use your own instead
//   public/       the page: home.js is what it does, token.js its token, drops.js the same for Moov.js and Drops
import { startExample } from './app.js';

const example = await startExample(Number(process.env.PORT ?? 3000));
console.log(`Listening on ${example.url}
Moov is played by the sandbox at ${example.sandbox.url}. Ctrl+C stops both.`);

// `on`, because Ctrl+C under npm arrives twice: from the terminal and from npm. Closing twice is not an error.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => example.close());
