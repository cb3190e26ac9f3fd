import { z } from 'zod';

/** RFC 6750 section 2.1, `b64token`: what can stand in an `Authorization` header. */
export const bearer = z
  .string()
  .max(16_384)
  .regex(/^[A-Za-z0-9\-._~+/]+=*$/);

/** RFC 6749 appendix A.17: `1*VSCHAR`, or empty, as some servers write none. Moov allows 4,096 characters. */
export const refresh = z
  .string()
  .max(4_096)
  .regex(/^[\x20-\x7e]*$/);

/** The wire form of a token reply (RFC 6749 section 5.1; Moov: create access token). */
export const tokenResponse = z.object({
  access_token: bearer,
  // RFC 6749 7.1 forbids the use of a token whose type is not understood; older Moov documents say "opaque".
  token_type: z
    .string()
    .regex(/^(bearer|opaque)$/i)
    .default('Bearer'),
  refresh_token: refresh.nullish(),
  scope: z.string().max(65_536).nullish(),
  expires_in: z.unknown().optional(),
});

/** What each field of a token reply must be, for the message about one that is not. */
export const tokenResponseExpectations: Readonly<Record<string, string>> = {
  access_token: "access_token is not a bearer token of RFC 6750's characters",
  token_type: 'token_type is neither Bearer nor opaque',
  refresh_token: 'refresh_token is not a string of at most 4,096 printable characters',
  scope: 'scope is not a string of at most 65,536 characters',
};

/** 400: `{"error": "..."}`. */
const errorResponse = z.object({ error: z.string() });

/** 422: the fields at fault. */
const fieldsResponse = z.record(z.string(), z.string());

/**
 * What a refusal's body says, shortened: `error`'s text, or the fields at fault.
 * Nothing when the body is not one of Moov's two forms.
 *
 * @param clean - Takes secrets out of a text. It comes before the shortening, which would leave half of one.
 */
export function readRefusal(
  body: unknown,
  clean: (text: string) => string,
): { error?: string; fields?: Record<string, string> } {
  const short = (text: string) => clean(text).slice(0, 300);
  const single = errorResponse.safeParse(body);
  if (single.success) return { error: short(single.data.error) };
  const several = fieldsResponse.safeParse(body);
  // What has a token in it is a token reply with a wrong status, and nothing of it may be shown.
  if (!several.success || 'access_token' in several.data) return {};
  const fields: Record<string, string> = {};
  for (const [name, text] of Object.entries(several.data).slice(0, 20)) fields[short(name)] = short(text);
  return Object.keys(fields).length > 0 ? { fields } : {};
}
