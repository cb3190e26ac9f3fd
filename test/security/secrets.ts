/** Something that must not be seen. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** A text by which a secret would be recognised, and how it is written there. */
export interface Needle {
  readonly secret: string;
  readonly form: string;
  readonly text: string;
}

/**
 * What to search for. Each half of a secret is enough to give it away, so it is halves that are searched for: as
 * they are, URL-encoded, and as the bytes that base64 (at each of its three alignments), hexadecimal and decimal lists
 * show of them.
 */
export function needlesOf(secrets: readonly Secret[]): Needle[] {
  const needles = new Map<string, Needle>();
  for (const { name, value } of secrets) {
    if (value.length < 24) throw new Error(`${name} is too short to be searched for by its halves`);
    const middle = Math.floor(value.length / 2);
    for (const half of [value.slice(0, middle), value.slice(middle)]) {
      for (const [form, text] of formsOf(half)) {
        if (!needles.has(text)) needles.set(text, { secret: name, form, text });
      }
    }
  }
  return [...needles.values()];
}

function* formsOf(text: string): Generator<[form: string, text: string]> {
  yield ['plain', text];
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  for (const encoded of [encodeURIComponent(text), form]) {
    yield ['URL-encoded', encoded];
    yield ['URL-encoded', encoded.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())];
  }
  for (const written of new Set([text, encodeURIComponent(text), form])) {
    const bytes = Buffer.from(written);
    for (const offset of [0, 1, 2]) {
      yield ['base64', base64Within(bytes, offset, 'base64')];
      yield ['base64url', base64Within(bytes, offset, 'base64url')];
    }
    yield ['hexadecimal', bytes.toString('hex')];
    yield ['decimal bytes', bytes.join(',')];
  }
}

/** The part of a longer base64 text that these bytes alone decide, when that many bytes (modulo 3) come before them. */
function base64Within(bytes: Buffer, offset: 0 | 1 | 2 | number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding);
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

/**
 * The needles in a text. White space is left out of account, as printers break lines and put spaces between the
 * bytes of a Buffer.
 */
export function found(text: string, needles: readonly Needle[]): Needle[] {
  const dense = text.replaceAll(/\s+/g, '');
  return needles.filter((needle) => dense.includes(needle.text));
}
