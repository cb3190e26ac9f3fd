import { validateHeaderName, validateHeaderValue } from 'node:http';

/** Whether Node would send a header. HTTP clients detect this too late, or drop characters silently. */
export function isValidHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
