import { Transform } from 'node:stream';
import zlib, { constants, createBrotliDecompress, createUnzip } from 'node:zlib';

const zip = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const brotli = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
};

/** Returns the streams that decode a `Content-Encoding`; none for an encoding that Axios does not decode. */
export function decompressors(encoding: string): readonly Transform[] {
  switch (encoding.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
    case 'compress':
    case 'x-compress':
      return [createUnzip(zip)];
    case 'deflate':
      return [withZlibHeader(), createUnzip(zip)];
    case 'br':
      return [createBrotliDecompress(brotli)];
    case 'zstd':
      return zstd();
    default:
      return [];
  }
}

/** Node supports it since 22.15, so it is missing in the types here. Without support, the body stays encoded. */
function zstd(): readonly Transform[] {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create !== 'function') return [];
  const flush: unknown = Reflect.get(constants, 'ZSTD_e_flush');
  const step: unknown = create({ flush, finishFlush: flush });
  return step instanceof Transform ? [step] : [];
}

const ZLIB_HEADER = Buffer.from([0x78, 0x9c]);

/** RFC 9110 section 8.4.1.2 notes that some senders of "deflate" leave out the zlib header. */
function withZlibHeader(): Transform {
  let begun = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      if (!begun && chunk.length > 0) {
        begun = true;
        if (chunk[0] !== ZLIB_HEADER[0]) this.push(ZLIB_HEADER);
      }
      callback(null, chunk);
    },
  });
}
