import { isObject } from '../utils/value-type.js';

/** Whether a value is a client from `createClient()` of the package "redis", or compatible with one. */
export function isClient(value: unknown): boolean {
  return (
    isObject(value) &&
    unsupportedClient(value) === undefined &&
    typeof Reflect.get(value, 'isOpen') === 'boolean' &&
    ['sendCommand', 'duplicate'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/**
 * Returns the name of another kind of client of the package "redis". For a cluster or a Sentinel, `sendCommand()` has
 * other parameters, a pool has no such method, and none of their duplicate connections can be unreferenced.
 */
export function unsupportedClient(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  if ('masters' in value) return 'a cluster client, made by createCluster()';
  if ('getSentinelNode' in value) return 'a Sentinel client, made by createSentinel()';
  if ('totalClients' in value) return 'a client pool, made by createClientPool()';
  return undefined;
}
