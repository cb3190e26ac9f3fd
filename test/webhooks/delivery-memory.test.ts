import { expect, test } from 'vitest';
import { DeliveryMemory } from '../../src/webhooks/delivery-memory.js';

test('remembers 10,000 deliveries, and forgets the oldest', () => {
  const memory = new DeliveryMemory();
  for (let number = 1; number <= 10_001; number++) {
    expect(memory.begin(String(number))).toBe(undefined);
    memory.complete(String(number));
  }
  expect(memory.begin('2')).toBe('done');
  expect(memory.begin('10001')).toBe('done');
  expect(memory.begin('1')).toBe(undefined);
});
