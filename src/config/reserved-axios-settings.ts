import { describeType, isObject } from '../utils/value-type.js';

/** Axios settings of a call that would bypass this package's rules. */
export const reservedSettings = [
  'auth',
  'adapter',
  'socketPath',
  'beforeRedirect',
  'transport',
  'maxRedirects',
  'baseURL',
] as const;

/** Axios settings for the connection that only Axios's own adapter supports. */
export const connectionSettings = [
  'httpAgent',
  'httpsAgent',
  'proxy',
  'lookup',
  'family',
  'insecureHTTPParser',
  'maxRate',
] as const;

/** Finds the first setting of an Axios config that would bypass this package's rules, or that Axios cannot use. */
export function findReservedSetting(config: unknown): string | undefined {
  if (!isObject(config)) return undefined;
  const settings = new Map(Object.entries(config));
  const name = [...reservedSettings, 'timeout', 'cancelToken'].find(
    (candidate) => settings.get(candidate) !== undefined,
  );
  if (name !== undefined) return name;
  const proxy: unknown = settings.get('proxy') ?? false;
  if (proxy !== false && describeType(proxy) !== 'an object') {
    return `proxy as ${describeType(proxy)}: Axios expects an object, { protocol, host, port, auth }, or false`;
  }
  return carriesAuthorization(settings.get('headers')) ? 'an Authorization header' : undefined;
}

function carriesAuthorization(bag: unknown): boolean {
  if (!isObject(bag)) return false;
  return Object.entries(bag).some(
    ([name, value]) => /^authorization$/i.test(name) || carriesAuthorization(value),
  );
}
