import { PassThrough, Stream } from 'node:stream';
import { expect } from 'vitest';
import { type Case, sameOnBoth } from './same.js';

const part = '--b\r\n\r\nx\r\n--b--\r\n';

/** The package `form-data`, as far as Axios looks at it, with what is given. */
function packagedForm(members: object): PassThrough {
  const form = new PassThrough();
  form.end(part);
  return Object.assign(form, {
    append: () => undefined,
    getHeaders: () => ({ 'content-type': 'multipart/form-data; boundary=b', 'x-of-the-form': 'yes' }),
    getLength: (done: (error: null, length: number) => void) => done(null, part.length),
    toString: () => '[object FormData]',
    ...members,
  });
}

const length = String(part.length);

const forms: readonly Case[] = [
  {
    name: 'a form of the package form-data, with a header of its own',
    config: () => ({ method: 'POST', data: packagedForm({}) }),
    expected: { sent: { body: part, headers: { 'x-of-the-form': 'yes', 'content-length': length } } },
  },
  {
    name: 'one whose length the caller knows',
    config: () => ({
      method: 'POST',
      data: packagedForm({ getLength: undefined }),
      headers: { 'Content-Length': length },
    }),
    expected: { sent: { body: part, headers: { 'content-length': length } } },
  },
  {
    name: 'one whose length cannot be found',
    config: () => ({
      method: 'POST',
      data: packagedForm({ getLength: (done: (error: Error) => void) => done(new Error('a file is gone')) }),
    }),
    expected: { sent: { body: part } },
    // undici finds out the length of a stream that has ended by itself.
    apart: ['sent'],
  },
  {
    name: 'one that does not tell its length',
    config: () => ({ method: 'POST', data: packagedForm({ getLength: undefined }) }),
    expected: { sent: { body: part } },
    apart: ['sent'],
  },
  {
    name: 'one of which only the headers of its content are wanted',
    config: () => ({ method: 'POST', data: packagedForm({}), formDataHeaderPolicy: 'content-only' }),
    expected: { sent: { body: part, headers: { 'content-type': 'multipart/form-data; boundary=b' } } },
  },
  {
    name: 'FormData without a boundary of the caller',
    config: () => {
      const data = new FormData();
      data.append('a"\r\nb', new File(['content'], ''));
      return { method: 'POST', data };
    },
    expected: {
      sent: {
        body: expect.stringContaining(
          'name="a%22%0D%0Ab"\r\nContent-Type: application/octet-stream\r\n\r\ncontent',
        ),
        headers: { 'content-type': expect.stringMatching(/^multipart\/form-data; boundary=[-.\w]{10,70}$/) },
      },
    },
    // Each has a boundary of its own.
    apart: ['sent'],
  },
  {
    name: 'one that fails as it tells its headers',
    config: () => ({
      method: 'POST',
      data: packagedForm({
        getHeaders: () => {
          throw new Error('no boundary');
        },
      }),
    }),
    expected: { message: 'no boundary', maybeSent: false },
  },
];

const streams: readonly Case[] = [
  {
    name: 'a stream of the oldest kind',
    config: () => {
      const data = new Stream();
      setImmediate(() => {
        data.emit('data', Buffer.from('old'));
        data.emit('end');
      });
      return { method: 'POST', data };
    },
    expected: { sent: { body: 'old' } },
    apart: ['sent'],
  },
  {
    name: 'an empty Blob',
    config: { method: 'POST', data: new Blob([]) },
    expected: { sent: { body: '', headers: { 'content-length': '0' } } },
  },
  {
    name: 'a Blob without a type',
    config: { method: 'POST', data: new Blob(['blob']) },
    expected: { sent: { body: 'blob', headers: { 'content-type': 'application/octet-stream' } } },
  },
];

sameOnBoth([...forms, ...streams]);
