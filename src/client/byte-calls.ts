import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { withCallInfo } from './call-info.js';
import { deepFreeze } from './closed-instance.js';

/** A call whose bytes go and come as they are, whatever the status of its response. */
export interface ByteCall {
  readonly url: string;
  readonly method: string;
  /** `false` for a header that is not to be added. */
  readonly headers: Record<string, string | false>;
  readonly data: unknown;
  /** In milliseconds; 0 stands for no limit. */
  readonly timeout: number;
  readonly responseType: 'stream' | 'arraybuffer';
  readonly signal?: AbortSignal;
}

/** Makes such calls. A streamed response may come as a Buffer, when it came whole at once. Rejects as `req.moov` does. */
export type SendBytes = (call: ByteCall) => Promise<AxiosResponse>;

/** What every such call has in the place of the instance's defaults. */
const asTheyAre = { transformRequest: [], transformResponse: [], validateStatus: null };

/** By way of the instance, and through the application's own interceptors. */
export function throughInstance(client: AxiosInstance): SendBytes {
  return (call) => client.request({ ...call, ...asTheyAre });
}

/** The methods that Axios has defaults for, and a template is kept of. */
export const usualMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * For an instance that has no code of the application's: straight to the adapter. Axios's core takes most of its time to
 * merge the same defaults into each call, so it does that once for each method.
 *
 * @param intercept - This package's own request interceptor.
 */
export function throughAdapter(
  client: AxiosInstance,
  adapter: AxiosAdapter,
  intercept: (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig,
): SendBytes {
  const others = throughInstance(client);
  const templates = new Map<string, InternalAxiosRequestConfig>();

  async function prepare(call: ByteCall): Promise<AxiosResponse> {
    const template = await configOfAxios(client, call.method).catch((error: unknown) => {
      throw withCallInfo(error, { attempts: 0, ambiguous: false });
    });
    templates.set(call.method, template);
    return send(template, call);
  }

  function send(template: InternalAxiosRequestConfig, call: ByteCall): Promise<AxiosResponse> {
    const headers = axios.AxiosHeaders.concat(template.headers, call.headers);
    const config = { ...template, ...call, method: template.method ?? call.method, adapter, headers };
    // As Axios has it: no setting comes from Object.prototype.
    Object.setPrototypeOf(config, null);
    if (config.signal?.aborted) {
      const aborted = new axios.CanceledError(undefined, config);
      return Promise.reject(withCallInfo(aborted, { attempts: 0, ambiguous: false }, undefined, config));
    }
    return adapter(intercept(config));
  }

  return (call) => {
    if (!usualMethods.has(call.method)) return others(call);
    const template = templates.get(call.method);
    return template === undefined ? prepare(call) : send(template, call);
  };
}

/** The config of a call with nothing of its own, as Axios's core gives it to an adapter. */
async function configOfAxios(client: AxiosInstance, method: string): Promise<InternalAxiosRequestConfig> {
  const core = new axios.Axios();
  core.defaults = {
    ...client.defaults,
    adapter: (config) => Promise.resolve({ config, data: '', status: 200, statusText: '', headers: {} }),
  };
  const { config } = await core.request({ ...asTheyAre, method });
  deepFreeze(config);
  return config;
}
