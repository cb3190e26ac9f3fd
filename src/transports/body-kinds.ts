import { isObject } from '../utils/value-type.js';

/** A form of the form-data package: an old-style stream, which is asked for the headers and the length of the body. */
export interface PackagedForm extends NodeJS.ReadableStream {
  getHeaders(): Record<string, string>;
  getLength?(callback: (error: Error | null, length?: number) => void): void;
}

/** Streams of Node, and those of the form-data package, which do not inherit from Readable. */
export function isPipe(body: unknown): body is NodeJS.ReadableStream {
  return isObject(body) && 'pipe' in body && typeof body.pipe === 'function';
}

/** A `getHeaders` that is inherited from `Object.prototype` does not count. */
export function isFormOfPackage(body: unknown): body is PackagedForm {
  if (!isPipe(body) || !('getHeaders' in body) || typeof body.getHeaders !== 'function') return false;
  return body.getHeaders !== Reflect.get(Object.prototype, 'getHeaders');
}

/** Recognised by the properties that Axios checks, so that other implementations of FormData count too. */
export function isForm(body: unknown): body is FormData {
  return (
    isObject(body) &&
    'append' in body &&
    Symbol.iterator in body &&
    Object.prototype.toString.call(body) === '[object FormData]' &&
    !isFormOfPackage(body)
  );
}
