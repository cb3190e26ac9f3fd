import { expect, test } from 'vitest';
import { KEPT_EXCHANGES, Recorder } from '../../src/sandbox/recorder.js';

test('keeps the latest requests, and counts all', () => {
  const recorder = new Recorder();
  for (let n = 1; n <= KEPT_EXCHANGES + 2; n++) {
    recorder.arrived({ method: 'GET', path: `/accounts/${n}`, headers: {} });
  }
  expect(recorder.requests).toHaveLength(KEPT_EXCHANGES);
  expect(recorder.requests[0]).toMatchObject({ path: '/accounts/3' });
  expect(recorder.requests.at(-1)).toMatchObject({ path: `/accounts/${KEPT_EXCHANGES + 2}` });
  expect(recorder.stats.apiRequests).toBe(KEPT_EXCHANGES + 2);
});
