/** UUIDs, ULIDs, trace IDs and the like. */
const plainID = /^[\w.:-]{1,200}$/;

/** What a gateway that echoes a request may put there: an `Authorization` header, or a token that is a JWT. */
const credential = /bearer|^eyJ/i;

/**
 * @param value - An `x-request-id` header of a response.
 * @returns it, if it is a plain ID; else `undefined`. It is shown to end users and in logs, so nothing else may pass.
 */
export function plainRequestID(value: unknown): string | undefined {
  return typeof value === 'string' && plainID.test(value) && !credential.test(value) ? value : undefined;
}
