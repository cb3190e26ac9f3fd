/** Codes of errors that occur only before a connection is established, whatever the system call. */
const beforeConnection = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_CLOSED',
  'UND_MOCK_ERR_MOCK_NOT_MATCHED',
  // The server's certificate is checked before the first byte of a request is sent.
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * How deeply AggregateErrors may be nested: one may contain itself. It is small, because each level may have many
 * members.
 */
export const NESTED = 3;

/** System calls that precede an established connection. */
const connecting = new Set(['connect', 'getaddrinfo']);

/**
 * Whether an error of a Dispatcher proves that no connection was established for the request, so that nothing of it was
 * sent. Other errors prove nothing.
 */
export function provesNoConnection(error: Error, depth = 0): boolean {
  if (error instanceof AggregateError) {
    // Each of several addresses was tried.
    const { errors } = error;
    if (errors.length === 0 || depth >= NESTED) return false;
    return errors.every((one) => one instanceof Error && provesNoConnection(one, depth + 1));
  }
  if ('syscall' in error && typeof error.syscall === 'string') return connecting.has(error.syscall);
  return 'code' in error && typeof error.code === 'string' && beforeConnection.has(error.code);
}
