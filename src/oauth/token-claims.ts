import { isObject } from '../utils/value-type.js';

/** The options that the claims of a token are compared with. */
export interface Expectations {
  origin?: string | undefined;
  platformAccountID?: string | undefined;
}

/**
 * Compares the claims of an access token that is a JWT (RFC 7519) with the options. The JWT is not verified, so this is
 * for diagnosis only. Moov issues tokens for a wrong Origin and answers 401 only later, without a reason.
 *
 * @returns a sentence for each mismatch; none for an opaque token.
 */
export function findClaimMismatches(
  accessToken: string,
  { origin, platformAccountID }: Expectations,
): string[] {
  const { aud, caid } = claims(accessToken);
  const warnings: string[] = [];
  const domains = [aud].flat().filter((entry) => typeof entry === 'string');
  if (origin !== undefined && domains.length > 0 && !domains.some((domain) => isDomainOf(domain, origin))) {
    warnings.push(
      `origin (MOOV_ORIGIN) is ${origin}, but the API key is registered for ${shownDomains(domains)}: every call will be answered with 401. Set origin to one of these, or register it with the key in Moov's dashboard.`,
    );
  }
  if (platformAccountID !== undefined && isAccountID(caid) && !sameText(caid, platformAccountID)) {
    warnings.push(
      `platformAccountID (MOOV_ACCOUNT_ID) is ${platformAccountID}, but the API key belongs to account ${caid}: calls on transfers will be answered with 403. Set it to that account.`,
    );
  }
  return warnings;
}

function claims(token: string): { aud?: unknown; caid?: unknown } {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** Of a value that is no domain nothing is shown: it may be a secret in the wrong place. */
function shownDomains(domains: readonly string[]): string {
  const shown = domains.filter((domain) => domain.length <= 253 && domainName.test(domain));
  return shown.length === 0 ? 'other domains' : shown.join(', ').slice(0, 300);
}

const domainName = /^(https?:\/\/)?(localhost|([a-z0-9*-]{1,63}\.)+[a-z]{2,63})(:\d{1,5})?\/?$/i;

function isAccountID(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f-]{36}$/i.test(value);
}

function isDomainOf(domain: string, origin: string): boolean {
  const { host, hostname } = new URL(origin);
  return [origin, host, hostname].some((form) => sameText(form, domain));
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
