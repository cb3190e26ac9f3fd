import axios, { type InternalAxiosRequestConfig } from 'axios';

/** Where a request goes. */
export interface RequestTarget {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** A path that a URL parser does not change, except for dot segments. */
const plain = /^\/(?!\/)[\w\-.~!$&()*+,;=:@%/?|[\]]*$/;

/**
 * Returns a function that computes the target of a request. The base URL is parsed once. The URL of a call is parsed
 * only if a parser could change it.
 */
export function targeting(): (config: InternalAxiosRequestConfig) => RequestTarget {
  let known: string | undefined;
  let base: RequestTarget = { origin: '', path: '' };

  return (config) => {
    const { baseURL, url, params } = config;
    if (baseURL === undefined || url === undefined || params || !plain.test(url) || url.includes('/.')) {
      return parsed(config);
    }
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

/** As in Axios's own adapter: joined, parsed, and then the query of `params` is appended. */
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
