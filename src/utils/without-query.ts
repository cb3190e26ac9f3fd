/** Returns a URL or path without its query and fragment, which may hold personal data. */
export function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
