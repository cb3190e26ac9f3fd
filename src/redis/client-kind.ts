import { isObject } from '../utils/value-type.js';

/** Whether a value is a client of the package "redis" that is made by `createClient()`, or stands for one. */
export function isClient(value: unknown): boolean {
  return (
    isObject(value) &&
    unsupportedClient(value) === undefined &&
    typeof Reflect.get(value, 'isOpen') === 'boolean' &&
    ['sendCommand', 'duplicate'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/**
 * The name of a client that the package "redis" makes in another way. That of a cluster or a Sentinel has other
 * parameters of `sendCommand()`, that of a pool none, and the connection that any of them duplicates can't be released.
 */
export function unsupportedClient(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  if ('masters' in value) return 'a cluster client, made by createCluster()';
  if ('getSentinelNode' in value) return 'a Sentinel client, made by createSentinel()';
  if ('totalClients' in value) return 'a client pool, made by createClientPool()';
  return undefined;
}
