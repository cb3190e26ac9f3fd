import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Inspector, newFigures } from './inspector.js';
import { reach } from './reach.js';
import { found, needlesOf } from './secrets.js';

// What finds nothing proves nothing: here the tester itself is tested.

const value = `${randomBytes(12).toString('hex')}/+&=%${randomBytes(12).toString('hex')}`;
const secrets = [{ name: 'the secret', value }];
const half = value.slice(0, Math.floor(value.length / 2));

class Holder {
  readonly #value = value;
  private readonly visible: unknown;

  constructor(visible?: unknown) {
    this.visible = visible;
  }

  get revealed(): string {
    return this.visible === undefined ? this.#value : '';
  }
}

class PrivateInNameOnly {
  private readonly token = value;

  get length(): number {
    return this.token.length;
  }
}

class Sealed {
  readonly #token = value;

  token(): string {
    return this.#token;
  }
}

function hidden(): object {
  return Object.defineProperty({}, Symbol('hidden'), { value, enumerable: false });
}

function piped(): PassThrough {
  const destination = Object.assign(new PassThrough(), { header: value });
  const source = new PassThrough();
  source.pipe(destination);
  return source;
}

// Held by the tests below, so that what is referred to weakly is not collected before.
const held = [{ value }, {}] as const;

const telling: readonly (readonly [string, unknown])[] = [
  ['a string', value],
  ['half of it', half],
  ['a property', { deep: { deeper: [{ value }] } }],
  ['a key', { [value]: 1 }],
  ['a symbol', Symbol(value)],
  ['a symbol property that is not enumerable', hidden()],
  ['a getter of a prototype', new Holder()],
  ['a TypeScript-private field', new PrivateInNameOnly()],
  ['a Map', new Map([[{ a: 1 }, { value }]])],
  ['a Set', new Set([value])],
  ['a WeakMap', new WeakMap([[held[1], value]])],
  ['a WeakRef', new WeakRef(held[0])],
  ['a resolved promise', Promise.resolve({ value })],
  ['a Buffer', { data: Buffer.from(`Bearer ${value}`) }],
  ['a long Buffer, of which inspect shows the beginning', Buffer.from(`${'x'.repeat(1_000)}${value}`)],
  ['a typed array', new Uint8Array(Buffer.from(value))],
  ['an ArrayBuffer', new Uint8Array(Buffer.from(value)).buffer],
  ['a property of a function', Object.assign(() => undefined, { value })],
  ['a prototype', Object.create({ value })],
  ['a Proxy', new Proxy({ value }, {})],
  ['Basic credentials', `Basic ${Buffer.from(`the-client-id:${value}`).toString('base64')}`],
  ['Basic credentials, encoded first', Buffer.from(`id:${encodeURIComponent(value)}`).toString('base64')],
  ['base64 of a half', Buffer.from(half).toString('base64')],
  ['base64url in the middle', Buffer.from(`ab${value}cd`).toString('base64url')],
  ['a form', `a=b&client_secret=${encodeURIComponent(value)}`],
  ['hexadecimal', Buffer.from(value).toString('hex')],
  ['an error', new Error(`refused: ${value}`)],
  ['the cause of an error', new Error('refused', { cause: { config: { headers: { value } } } })],
  ['the destination of a stream', piped()],
  ['what is in a stream', filled()],
];

function filled(): PassThrough {
  const stream = new PassThrough();
  stream.write(value);
  return stream;
}

const silent: readonly (readonly [string, unknown])[] = [
  ['a #private field', new Sealed()],
  ['a closure', { token: () => value }],
  ['a quarter of it', { quarter: value.slice(0, Math.floor(value.length / 4)) }],
  ['something else', { value: randomBytes(40).toString('hex') }],
];

describe('the inspector', () => {
  it.each(telling)('finds the secret in %s', async (_name, control) => {
    const figures = newFigures();
    const inspector = new Inspector(figures, () => secrets);
    expect(await inspector.sightings({ control })).not.toEqual([]);
    await expect(inspector.expectNone({ control })).rejects.toThrow(/the secret/);
    expect(figures.values).toBe(2);
    expect(held).toHaveLength(2);
    expect(figures.secrets).toBeGreaterThan(0);
  });

  it.each(telling.filter(([name]) => !/^(half|base64)/.test(name)))(
    'walks to it in %s',
    async (_name, control) => {
      const { sights, objects } = await reach(control);
      expect(objects).toBeLessThan(2_000 + held.length);
      const needles = needlesOf(secrets);
      expect(sights.filter(({ text }) => found(text, needles).length > 0)).not.toEqual([]);
    },
  );

  it.each(silent)('finds nothing in %s', async (_name, control) => {
    const inspector = new Inspector(newFigures(), () => secrets);
    expect(await inspector.sightings({ control })).toEqual([]);
  });

  it('refuses to search for nothing', async () => {
    await expect(new Inspector(newFigures(), () => []).expectNone({ x: 1 })).rejects.toThrow(/no secret/);
    expect(() => needlesOf([{ name: 'short', value: 'abc' }])).toThrow(/too short/);
  });
});
