/**
 * The lines of the demo's output without what differs in every run and tells nothing: ports, and the IDs of accounts.
 */
export function presentable(output: string): string[] {
  return output
    .trimEnd()
    .replaceAll(/(127\.0\.0\.1):\d+/g, '$1:…')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…')
    .split('\n');
}
