import axios, { type InternalAxiosRequestConfig } from 'axios';

/** Where a request goes. */
export interface RequestTarget {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** What a URL parser leaves as it is, except dot segments. */
const plain = /^\/(?!\/)[\w\-.~!$&()*+,;=:@%/?|[\]]*$/;

/** Whether a URL parser gives a path back as it is. */
export function isPlainPath(path: string): boolean {
  return plain.test(path) && !path.includes('/.');
}

/**
 * A function that gives a request's target. The base URL is parsed once, and a call's own URL only where a parser
 * could change it.
 */
export function targeting(): (config: InternalAxiosRequestConfig) => RequestTarget {
  let known: string | undefined;
  let base: RequestTarget = { origin: '', path: '' };

  return (config) => {
    const { baseURL, url, params } = config;
    if (baseURL === undefined || url === undefined || params || !isPlainPath(url)) return parsed(config);
    if (baseURL !== known) {
      base = baseOf(baseURL);
      known = baseURL;
    }
    return { origin: base.origin, path: base.path + url };
  };
}

function baseOf(baseURL: string): RequestTarget {
  const { origin, pathname } = new URL(baseURL);
  return { origin, path: pathname.replace(/\/+$/, '') };
}

/** As Axios's own adapter does it: put together, parsed, and with the query of `params` behind what was parsed. */
function parsed({ baseURL, url, params, paramsSerializer }: InternalAxiosRequestConfig): RequestTarget {
  const bare = axios.getUri({ ...(baseURL === undefined ? {} : { baseURL }), ...(url ? { url } : {}) });
  const { origin, pathname, search } = new URL(bare);
  const path = pathname + search;
  if (!params) return { origin, path };
  const serialised = axios.getUri({
    url: path,
    params,
    ...(paramsSerializer === undefined ? {} : { paramsSerializer }),
  });
  return { origin, path: serialised };
}
