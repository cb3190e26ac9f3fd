import type { CreateAxiosDefaults } from 'axios';
import type { Dispatcher } from 'undici';
import { settings } from './undici/support.js';

/** The option `transport`. */
export type TransportChoice = 'undici' | 'axios' | Dispatcher;

/** Dispatchers of another copy of undici count too. One that sends again by itself does not. */
export function isTransport(value: unknown): value is TransportChoice {
  if (value === 'undici' || value === 'axios') return true;
  if (typeof value !== 'object' || value === null) return false;
  return typeof Reflect.get(value, 'dispatch') === 'function' && value.constructor.name !== 'RetryAgent';
}

/** The first of Axios's settings that a given Dispatcher would leave without effect. */
export function clashWith(transport: TransportChoice, axios: CreateAxiosDefaults = {}): string | undefined {
  return typeof transport === 'string' ? undefined : settings.find((name) => axios[name]);
}
