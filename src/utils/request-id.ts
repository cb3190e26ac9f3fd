/** UUIDs, ULIDs, trace IDs and the like. */
const plainID = /^[\w.:-]{1,200}$/;

/** Values that a gateway which echoes requests may put there: an `Authorization` header, or a JWT. */
const credential = /bearer|^eyJ/i;

/**
 * @param value - An `x-request-id` header of a response.
 * @returns the ID if it is a plain one; otherwise `undefined`, because it is shown to end users and in logs.
 */
export function plainRequestID(value: unknown): string | undefined {
  return typeof value === 'string' && plainID.test(value) && !credential.test(value) ? value : undefined;
}
