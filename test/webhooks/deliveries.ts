import { createHmac, randomUUID } from 'node:crypto';

export const secret = 'the-signing-secret-of-a-test';

/** The parts of a delivery that a test may want to be otherwise. */
export interface Parts {
  secret?: string;
  timestamp?: string;
  nonce?: string;
  webhookID?: string;
}

/** The headers of a delivery, signed as Moov's guide says and without the package's own code. */
export function signedHeaders({
  secret: key = secret,
  timestamp = new Date().toISOString(),
  nonce = randomUUID(),
  webhookID = 'dff0a709-f982-4475-81e8-214b435c74ab',
}: Parts = {}): Record<string, string> {
  return {
    'x-timestamp': timestamp,
    'x-nonce': nonce,
    'x-webhook-id': webhookID,
    'x-signature': createHmac('sha512', key).update(`${timestamp}|${nonce}|${webhookID}`).digest('hex'),
  };
}

export const event = {
  eventID: 'd9d18a42-d1ea-4e4c-b671-0fa93e24d584',
  type: 'transfer.updated',
  data: { transferID: 'ec7e1848-dc80-4ab0-8827-dd7fc0737b43', status: 'completed' },
  createdOn: '2024-04-26T21:20:55Z',
};
