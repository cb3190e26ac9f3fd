import type { AxiosRequestConfig } from 'axios';

const names = ['httpAgent', 'httpsAgent', 'proxy'] as const;

/** The settings of connections, which are kept out of what callers see: an agent leads to the requests it carries. */
export type Connection = Pick<AxiosRequestConfig, (typeof names)[number]>;

/** Takes these settings out of a config or of defaults. */
export function takeConnection(config: Connection): Connection {
  const taken: Connection = {};
  for (const name of names) {
    if (config[name] !== undefined) Object.assign(taken, { [name]: config[name] });
    delete config[name];
  }
  return taken;
}
