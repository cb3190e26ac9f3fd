import { Readable } from 'node:stream';
import type { RequestHeaders } from '../transport.js';

const LINE = '\r\n';

interface Part {
  readonly head: Buffer;
  readonly value: Buffer | Blob;
  readonly length: number;
}

/** Encodes a form as multipart (RFC 7578), byte for byte as Axios does, with its headers. */
export function multipart(form: FormData, headers: RequestHeaders): Readable {
  const given: unknown = headers.get('Content-Type');
  const boundary = /boundary=([-_\w\d]{10,70})/i.exec(String(given))?.[1] ?? `moov-${crypto.randomUUID()}`;
  const parts = Array.from(form.entries(), ([name, value]) => partOf(boundary, name, value));
  const end = Buffer.from(`--${boundary}--${LINE}`);
  headers.setContentType(`multipart/form-data; boundary=${boundary}`);
  headers.setContentLength(
    parts.reduce((sum, { head, length }) => sum + head.length + length + LINE.length, end.length),
  );
  return Readable.from(bytesOf(parts, end), { objectMode: false });
}

function partOf(boundary: string, name: string, given: string | File): Part {
  const file = typeof given === 'string' ? undefined : given;
  const value = typeof given === 'string' ? Buffer.from(given.replace(/\r?\n|\r\n?/g, LINE)) : given;
  const filename = file?.name ? `; filename="${escaped(file.name)}"` : '';
  const type = (file?.type || 'application/octet-stream').replace(/[\r\n]/g, '');
  const lines = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${escaped(name)}"${filename}`,
    ...(file === undefined ? [] : [`Content-Type: ${type}`]),
  ];
  return {
    head: Buffer.from(`${lines.join(LINE)}${LINE}${LINE}`),
    value,
    length: Buffer.isBuffer(value) ? value.length : value.size,
  };
}

async function* bytesOf(parts: readonly Part[], end: Buffer): AsyncGenerator<Uint8Array> {
  for (const { head, value } of parts) {
    yield head;
    if (Buffer.isBuffer(value)) yield value;
    else yield* value.stream();
    yield Buffer.from(LINE);
  }
  yield end;
}

function escaped(name: string): string {
  return name.replace(/[\r\n"]/g, (character) => encodeURIComponent(character));
}
