// `npm run sandbox`: a local server that behaves like Moov's API, until it is stopped. PORT chooses its port.
import { createMoovSandbox } from 'express-moov-auth/sandbox';

const sandbox = createMoovSandbox();
const url = await sandbox.listen(Number(process.env.PORT ?? 0));
const { clientId, clientSecret } = sandbox.credentials;

console.log(`The sandbox is listening on ${url}

It accepts one made-up API key:
  public key        ${clientId}
  secret key        ${clientSecret}
  its origin        ${sandbox.origins.join(', ')}
  platform account  ${sandbox.platformAccountID}

To use it, in the shell that runs your server:
  export MOOV_BASE_URL=${url}
  export MOOV_CLIENT_ID=${clientId}
  export MOOV_CLIENT_SECRET=${clientSecret}
  export MOOV_ORIGIN=${sandbox.origins[0]}
  export MOOV_ACCOUNT_ID=${sandbox.platformAccountID}

Ctrl+C stops it.`);

// `on`, because Ctrl+C under npm arrives twice: from the terminal and from npm. The second one must not interrupt this.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => sandbox.close());
