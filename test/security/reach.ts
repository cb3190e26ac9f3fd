import { inspect, types } from 'node:util';

/** A text or the bytes that a walk came upon, and the way there. */
export interface Sight {
  readonly path: string;
  readonly text: string;
}

/** More than any value of this package leads to; reaching it means that the walk got out into the runtime. */
const MOST_OBJECTS = 300_000;

/**
 * Getters of prototypes that are not asked. A Buffer's memory is a slab that it shares with strangers, so only its own
 * part of it is looked at. A function's `arguments` and `caller`, where it inherits them, throw and tell nothing.
 */
const passedOver = new Set<PropertyKey>(['buffer', 'parent', 'arguments', 'caller']);

/** Prototypes, with their constructors, are the same for every value, and walked with the first that leads there. */
const prototypes = new WeakSet();

interface Step {
  readonly value: unknown;
  readonly path: string;
}

/**
 * Everything a program could read from a value without calling a method: own properties, also symbols and those not
 * enumerable; getters, also those of prototypes; the entries of Maps and Sets, what a Promise is settled with, what
 * a WeakRef holds, the bytes of Buffers.
 *
 * @returns each string and each run of bytes, and how many objects were visited.
 */
export async function reach(root: unknown): Promise<{ sights: Sight[]; objects: number }> {
  const sights: Sight[] = [];
  const seen = new Set<unknown>([globalThis, process]);
  const queue: Step[] = [{ value: root, path: 'x' }];
  let objects = 0;

  for (let step = queue.pop(); step !== undefined; step = queue.pop()) {
    const { value, path } = step;
    if (typeof value === 'string') sights.push({ path, text: value });
    if (typeof value === 'symbol') sights.push({ path, text: String(value.description) });
    if (typeof value === 'bigint') sights.push({ path, text: String(value) });
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      continue;
    seen.add(value);
    if (++objects > MOST_OBJECTS) throw new Error(`more than ${MOST_OBJECTS} objects, now at ${path}`);

    const bytes = bytesOf(value);
    if (bytes !== undefined) {
      sights.push({ path: `${path}<bytes>`, text: bytes.toString('latin1') });
      sights.push({ path: `${path}<UTF-16>`, text: bytes.toString('utf16le') });
    }
    for (const key of ownKeysOf(value, bytes !== undefined)) {
      const next = `${path}.${String(key)}`;
      sights.push({ path: `${next}<key>`, text: String(key) });
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      if (descriptor === undefined) continue;
      queue.push({ value: 'value' in descriptor ? descriptor.value : read(value, key), path: next });
    }
    for (const key of inheritedGetters(value)) {
      queue.push({ value: read(value, key), path: `${path}.${String(key)}<get>` });
    }
    queue.push(...(await contentsOf(value, path)));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (typeof prototype === 'object' && prototype !== null && isOfRuntime(prototype)) {
      if (prototypes.has(prototype)) continue;
      prototypes.add(prototype);
    }
    queue.push({ value: prototype, path: `${path}<prototype>` });
  }
  return { sights, objects };
}

/** Whether a prototype is that of a class or of a built-in type, and not an object that another was made from. */
function isOfRuntime(prototype: object): boolean {
  const made: unknown = Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof made === 'function' && made.prototype === prototype;
}

function ownKeysOf(value: object, hasBytes: boolean): PropertyKey[] {
  const keys = Reflect.ownKeys(value);
  // The elements of a typed array have been read as bytes; what else was hung on it has not.
  return hasBytes ? keys.filter((key) => typeof key === 'symbol' || !/^\d+$/.test(key)) : keys;
}

function inheritedGetters(value: object): Set<PropertyKey> {
  const names = new Set<PropertyKey>();
  for (let type = Object.getPrototypeOf(value); type !== null; type = Object.getPrototypeOf(type)) {
    for (const key of Reflect.ownKeys(type)) {
      const getter = Object.getOwnPropertyDescriptor(type, key)?.get;
      if (getter !== undefined && key !== '__proto__' && !passedOver.has(key)) names.add(key);
    }
  }
  return names;
}

function read(value: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(value, key);
  } catch (error) {
    return error;
  }
}

function bytesOf(value: object): Buffer | undefined {
  // Of memory that was handed on, as web streams do, nothing is left to read.
  if ((ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) && value.byteLength === 0)
    return Buffer.alloc(0);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (types.isAnyArrayBuffer(value)) return Buffer.from(value);
  return undefined;
}

async function contentsOf(value: object, path: string): Promise<Step[]> {
  if (types.isMap(value)) {
    return [...value].flatMap(([key, entry], index) => [
      { value: key, path: `${path}<key ${index}>` },
      { value: entry, path: `${path}<entry ${index}>` },
    ]);
  }
  if (types.isSet(value))
    return [...value].map((entry, index) => ({ value: entry, path: `${path}<${index}>` }));
  if (types.isWeakMap(value) || types.isWeakSet(value)) {
    return [{ value: inspect(value, { showHidden: true, depth: null }), path: `${path}<weak>` }];
  }
  if (value instanceof WeakRef) return [{ value: value.deref(), path: `${path}<deref>` }];
  if (types.isPromise(value)) return [{ value: await settledWith(value), path: `${path}<settled>` }];
  return [];
}

/** What a promise is settled with already; `undefined` while it is pending. */
function settledWith(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, Promise.resolve(undefined)]).catch((reason: unknown) => reason);
}
