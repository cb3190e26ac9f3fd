import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isAxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { transports } from '../helpers/transports.js';
import { json, whole } from './servers.js';
import { outcome, start } from './start.js';

const octets = { 'content-type': 'application/octet-stream' };

// What keeps streams from leading to the request must carry their bytes, ends and failures as they are.

describe.each(transports)('streams, on %s,', (_name, transport) => {
  // An 'error' event without a listener would end the process; Vitest reports it and fails the run.
  it.each([200, 500])(
    'of a response with %i that breaks off unread do not crash the process',
    async (status) => {
      const { fake, moov } = await start(transport);
      let cut: () => void = () => undefined;
      fake.api = (_request, response) => {
        response.writeHead(status, { 'content-length': '1000' });
        response.write('a part');
        cut = () => response.destroy();
      };
      const { value, error } = await outcome(moov.client.get('/accounts', { responseType: 'stream' }));
      const response = isAxiosError(error) ? error.response : value;
      const data: unknown = Reflect.get(Object(response), 'data');
      if (!(data instanceof Readable)) throw error;
      const closed = new Promise((resolve) => data.once('close', resolve));
      cut();
      await closed;
      expect(data.errored).toMatchObject({ code: 'ECONNRESET' });
      // Whoever reads it afterwards is told.
      await expect(text(data)).rejects.toThrow();
    },
  );

  it('carry a large body whole, at the pace of its reader', async () => {
    const { fake, moov } = await start(transport);
    let received = 0;
    fake.api = (request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      request.on('end', () => json(response, 200, {}));
    };
    const chunk = Buffer.alloc(65_536, 'x');
    let produced = 0;
    let most = 0;
    const body = new Readable({
      read() {
        most = Math.max(most, produced - received);
        produced += chunk.length;
        this.push(produced > 64 * 1_048_576 ? null : chunk);
      },
    });
    await moov.client.post('/accounts', body, { headers: octets });
    expect(received).toBe(64 * 1_048_576);
    // The rest is in the sockets' buffers at most.
    expect(most).toBeLessThan(32 * 1_048_576);
  });

  it('carry a request of a browser on to Moov', async () => {
    const { fake, moov } = await start(transport);
    let body = '';
    fake.api = (request, response) =>
      whole(request, (all) => {
        body = all;
        json(response, 200, {});
      });
    const source = new PassThrough();
    source.setEncoding('utf8');
    const call = moov.client.post('/accounts', source, { headers: octets });
    source.write('grüße ');
    await fake.arrived(1);
    source.end('€');
    await call;
    expect(body).toBe('grüße €');
  });

  it('of the caller that fail after the call do not crash the process', async () => {
    const { fake, moov } = await start(transport);
    fake.api = (_request, response) => json(response, 413, {});
    const body = new PassThrough();
    body.write('the beginning');
    const { error } = await outcome(moov.client.post('/accounts', body, { headers: octets }));
    expect(error).toMatchObject({ response: { status: 413 } });
    // The call has closed it already.
    expect(body.destroyed).toBe(true);
    body.emit('error', new Error('gone'));
  });
});
