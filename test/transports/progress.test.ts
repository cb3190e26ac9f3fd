import { PassThrough, Readable } from 'node:stream';
import type { AxiosProgressEvent } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../helpers/moov.js';
import { type Behaviour, call, columns, rawServer } from './columns.js';

const done: Behaviour = (response) => response.end('{}');

async function server(behave: Behaviour): Promise<string> {
  const { url, close } = await rawServer(behave);
  onTestFinished(close);
  return url;
}

const chunk = Buffer.alloc(1_000, 'x');

describe.each(columns)('progress on %s', (column) => {
  test('of a slow download includes its rate and the estimated time left', async () => {
    const events: AxiosProgressEvent[] = [];
    let write: () => void = () => undefined;
    const url = await server((response) => {
      response.writeHead(200, { 'content-length': '4000' });
      let left = 4;
      write = () => {
        if (--left > 0) response.write(chunk);
        else response.end(chunk);
      };
      write();
    });
    // Each part is sent when the one before was told of, which is three times a second.
    const onDownloadProgress = (event: AxiosProgressEvent) => {
      events.push(event);
      write();
    };
    await call(column, url, { url: '/', responseType: 'arraybuffer', onDownloadProgress });
    await until(() => events.length === 4, 'each part was told');
    expect(events.map(({ loaded, total, bytes, progress }) => [loaded, total, bytes, progress])).toEqual([
      [1_000, 4_000, 1_000, 0.25],
      [2_000, 4_000, 1_000, 0.5],
      [3_000, 4_000, 1_000, 0.75],
      [4_000, 4_000, 1_000, 1],
    ]);
    const [, , third, last] = events;
    expect(third?.rate).toBeGreaterThan(0);
    expect(third?.rate).toBeLessThan(4_000);
    expect(third?.estimated).toBeGreaterThan(0.25);
    expect(last?.estimated).toBe(0);
  });

  test('of a download without a length', async () => {
    const events: AxiosProgressEvent[] = [];
    const url = await server((response) => {
      response.write('a');
      response.end('b');
    });
    await call(column, url, { url: '/', onDownloadProgress: (event) => events.push(event) });
    await until(() => events.at(-1)?.loaded === 2, 'the end was told');
    expect(events.at(-1)).toMatchObject({ total: undefined, progress: undefined, lengthComputable: false });
  });

  test.each([
    ['a stream', () => Readable.from([Buffer.from('abc')], { objectMode: false }), {}, undefined],
    [
      'a stream of known length',
      () => Readable.from([Buffer.from('abc')], { objectMode: false }),
      { 'Content-Length': '3' },
      3,
    ],
    ['a Blob', () => new Blob(['abc']), {}, 3],
  ] as const)('of the upload of %s', async (_what, data, headers, total) => {
    const events: AxiosProgressEvent[] = [];
    const onUploadProgress = (event: AxiosProgressEvent) => void events.push(event);
    const outcome = await call(column, await server(done), {
      url: '/',
      method: 'POST',
      data: data(),
      headers,
      onUploadProgress,
    });
    expect(outcome).toMatchObject({ status: 200 });
    await until(() => events.at(-1)?.loaded === 3, 'the end was told');
    expect(events.at(-1)).toMatchObject({ total, upload: true, bytes: 3 });
  });

  test('ends with a stream that fails, as does the call', async () => {
    const data = new PassThrough();
    data.write('abc');
    const onUploadProgress = () => data.destroy(Object.assign(new Error('boom'), { code: 'EBOOM' }));
    const outcome = await call(column, await server(done), {
      url: '/',
      method: 'POST',
      data,
      onUploadProgress,
    });
    expect(outcome).toMatchObject({ code: 'EBOOM', message: 'boom' });
  });
});
