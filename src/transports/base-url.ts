/** The base URL in parts. */
export interface Base {
  readonly url: string;
  readonly origin: string;
  /** Without a trailing slash. */
  readonly path: string;
}

export function baseOf(url: string): Base {
  const { origin, pathname } = new URL(url);
  return { url, origin, path: pathname.replace(/\/+$/, '') };
}
