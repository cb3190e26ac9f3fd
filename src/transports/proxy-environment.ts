type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the proxy variables for a protocol. What `process.env` inherits from `Object.prototype` does not count. */
export function proxiesFor(protocol: string, env: Environment = process.env): readonly string[] {
  const names = ['all_proxy', protocol === 'https:' ? 'https_proxy' : 'http_proxy'];
  return names
    .flatMap((name) => [name, name.toUpperCase()])
    .flatMap((name) => (Object.hasOwn(env, name) && env[name]) || []);
}
