import type { Settings } from '../config/resolve.js';
import { isExemptFromProxy, proxiesFor } from '../transports/proxy-environment.js';
import { httpDate } from '../utils/retry-after.js';
import { isPage, type Probed } from './probe.js';
import { failed, passed, type Step } from './step.js';

/** A clock that is wrong by less does no harm. */
const LARGEST_SKEW_MS = 60_000;

/** Whether Moov answers, and Moov itself. */
export function networkStep({ baseURL }: Settings, { response, failure }: Probed): Step {
  const url = new URL(baseURL);
  const { host, protocol } = url;
  const way = wayTo(url);
  if (failure !== undefined) return failed('network', `${failure} (${way})`);
  const { status, data } = response;
  if (isPage(response)) {
    return failed(
      'network',
      `The response is an HTML page (${status}), not Moov's: ${String(data).slice(0, 100)} (${way}). A proxy or a gateway stands between; let ${host} through it.`,
    );
  }
  if (status >= 500) return failed('network', `${host} fails (${status}). Try again later.`);
  if (status >= 300 && status < 400) {
    return failed('network', `${host} redirects (${status}). Check MOOV_BASE_URL.`);
  }
  return passed('network', `${host} answers${protocol === 'https:' ? ' over TLS' : ''}; ${way}`);
}

/** The transports read the proxy variables of the process, not those of a file. */
function wayTo(url: URL): string {
  const [proxy] = proxiesFor(url.protocol);
  if (proxy === undefined) return 'no proxy is set';
  if (isExemptFromProxy(url)) return 'NO_PROXY exempts it from the proxy';
  return `the proxy ${hostOf(proxy)} is set, and NO_PROXY does not name ${url.hostname}`;
}

/** Without its user info. */
function hostOf(proxy: string): string {
  const url = proxy.includes('://') ? proxy : `http://${proxy}`;
  return URL.canParse(url) ? new URL(url).host : 'of the environment, which is not a URL';
}

/** Whether the clock agrees with the `Date` of a response. */
export function clockStep(date: unknown): Step {
  const time = httpDate(date);
  if (time === undefined) return passed('clock', 'the response has no Date to compare it with');
  const skewMs = Date.now() - time;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) <= LARGEST_SKEW_MS) return passed('clock', "agrees with Moov's");
  return failed(
    'clock',
    `This machine's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} Moov's. Set it, for example by NTP.`,
  );
}
