import { z } from 'zod';

/** RFC 6750 section 2.1, `b64token`: a valid value for an `Authorization` header. */
export const bearer = z
  .string()
  .max(16_384)
  .regex(/^[A-Za-z0-9\-._~+/]+=*$/);

/** RFC 6749 appendix A.17: `1*VSCHAR`. Some servers send an empty string for none. Moov allows 4,096 characters. */
export const refresh = z
  .string()
  .max(4_096)
  .regex(/^[\x20-\x7e]*$/);

/** Some servers send IDs and lifetimes as numbers, or numbers as strings. */
const number = z.int().transform(String);

/** RFC 6749 section 3.3, or a list of scopes. A blank value counts as absent. */
const scope = z
  .union([z.string(), z.array(z.string()).transform((list) => list.join(' '))])
  .transform((text) => text.split(/\s+/).filter(Boolean).join(' '))
  .pipe(z.string().max(65_536));

/** The wire form of a token response (RFC 6749 section 5.1; Moov: create access token). */
export const tokenResponse = z.object({
  access_token: z.union([bearer, number]),
  // RFC 6749 7.1 forbids using a token of an unknown type; older documents of Moov say "opaque".
  token_type: z
    .string()
    .regex(/^(bearer|opaque)?$/i)
    .nullish()
    .transform((type) => type || 'Bearer'),
  refresh_token: z.union([refresh, number]).nullish(),
  scope: scope.nullish(),
  expires_in: z.unknown().optional(),
});

/** The expected value of each field of a token response, for messages. */
export const tokenResponseExpectations: Readonly<Record<string, string>> = {
  access_token: "access_token is not a bearer token of RFC 6750's characters",
  token_type: 'token_type is neither Bearer nor opaque',
  refresh_token: 'refresh_token is not a string of at most 4,096 printable characters',
  scope: 'scope is neither a string of at most 65,536 characters nor a list of strings',
};

/** The body of RFC 6749 section 5.2 and of Moov's 400: `{"error": "..."}`, and a description. */
const errorResponse = z.object({
  access_token: z.union([z.null(), z.literal('')]).optional(),
  error: z.string().trim().min(1),
  error_description: z.string().trim().optional().catch(undefined),
});

/** The body of a 422: the invalid fields. */
const fieldsResponse = z.record(z.string(), z.string());

/** The content of a refusal's body. */
export interface Refusal {
  /** The error and its description. */
  error?: string;
  /** The error only, unchanged. */
  code?: string;
  /** The invalid fields, each with Moov's reason. */
  fields?: Record<string, string>;
}

/**
 * Reads the body of a refusal, shortened. Returns nothing if the body has neither of Moov's two forms, or contains a
 * token.
 *
 * @param clean - Removes secrets from a text. It runs before the text is shortened, which could leave half a secret.
 */
export function readRefusal(body: unknown, clean: (text: string) => string): Refusal {
  const short = (text: string) => clean(text).slice(0, 300);
  const single = errorResponse.safeParse(body);
  if (single.success) {
    const { error: code, error_description: description } = single.data;
    return { error: description ? `${short(code)}: ${short(description)}` : short(code), code };
  }
  const several = fieldsResponse.safeParse(body);
  if (!several.success || 'access_token' in several.data) return {};
  const fields: Record<string, string> = {};
  for (const [name, text] of Object.entries(several.data).slice(0, 20)) fields[short(name)] = short(text);
  return Object.keys(fields).length > 0 ? { fields } : {};
}
