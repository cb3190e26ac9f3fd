import type { AxiosInstance } from 'axios';
import { authenticated, bareAxios } from './clients.js';
import type { Call } from './contestants.js';

export const MIB = 1_048_576;
export const FILE_BYTES = 20 * MIB;

const limits = { maxContentLength: 2 * FILE_BYTES, maxBodyLength: 2 * FILE_BYTES };
const kilobyte = { description: 'x'.repeat(1_000) };
const file = new Blob([Buffer.alloc(FILE_BYTES, 'x')]);

/** What is sent or received, beside the small GET of the other tables. */
export const bodies: Readonly<Record<string, (client: AxiosInstance) => Promise<unknown>>> = {
  'POST of 1 KiB of JSON': (client) => client.post('/accounts', kilobyte),
  'GET of 100 KiB of JSON': (client) => client.get('/large'),
  'download of 20 MiB, as a stream': async (client) => {
    const { data } = await client.get('/file', { responseType: 'stream', ...limits });
    let bytes = 0;
    for await (const chunk of data) bytes += chunk.length;
    if (bytes !== FILE_BYTES) throw new Error(`${bytes} bytes came`);
  },
  'upload of 20 MiB, multipart': (client) => {
    const form = new FormData();
    form.set('file', file, 'file.bin');
    return client.post('/upload', form, limits);
  },
};

/** The clients that these are compared on. */
export const clients: Readonly<Record<string, (baseURL: string) => AxiosInstance>> = {
  'bare axios': bareAxios,
  'req.moov': (baseURL) => authenticated(baseURL).client,
};

/** A contestant's name for one of these with one of the clients. */
export function bodyContestant(client: string, body: string): string {
  return `${client}: ${body}`;
}

/** As {@link contestants} has them. */
export const bodyContestants: Readonly<Record<string, (baseURL: string) => Promise<Call>>> =
  Object.fromEntries(
    Object.entries(clients).flatMap(([client, make]) =>
      Object.entries(bodies).map(([body, send]) => [
        bodyContestant(client, body),
        async (baseURL: string) => {
          const instance = make(baseURL);
          return () => send(instance);
        },
      ]),
    ),
  );
