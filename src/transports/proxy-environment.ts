/**
 * Returns the proxy variables for a protocol, the one in use first. What `process.env` inherits from `Object.prototype`
 * does not count.
 */
export function proxiesFor(protocol: string): readonly string[] {
  return [protocol === 'https:' ? 'https_proxy' : 'http_proxy', 'all_proxy'].flatMap(valuesOf);
}

/**
 * Whether `NO_PROXY` names a URL's host, with or without a port, a suffix of it, or `*`. Axios knows ranges of addresses
 * too.
 */
export function isExemptFromProxy({ hostname, port, protocol }: URL): boolean {
  const [exempt = ''] = valuesOf('no_proxy');
  const usedPort = port || (protocol === 'https:' ? '443' : '80');
  return exempt
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const [, pattern = entry, onlyPort = usedPort] = /^(.+):(\d+)$/.exec(entry) ?? [];
      if (onlyPort !== usedPort) return false;
      const suffix = pattern.replace(/^\*/, '');
      if (pattern.startsWith('*') || suffix.startsWith('.')) return hostname.endsWith(suffix);
      return hostname === pattern;
    });
}

function valuesOf(name: string): readonly string[] {
  const { env } = process;
  return [name, name.toUpperCase()].flatMap((each) => (Object.hasOwn(env, each) && env[each]) || []);
}
