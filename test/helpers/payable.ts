import { createMoovSandbox, type SandboxSeed } from '../../src/sandbox/index.js';

/** A card to pay with. It is the platform's own, so that there is no account that a test does not expect. */
export const payable: SandboxSeed = { platform: { cards: [{}] } };

// The IDs of a seed are the same in every sandbox.
const { platform } = createMoovSandbox({ seed: payable }).seeded;

/** Both ends of a payment in a sandbox with the seed `payable`. */
export const parties = {
  source: { paymentMethodID: platform.cards[0]?.paymentMethodID ?? '' },
  destination: { paymentMethodID: platform.wallet?.paymentMethodID ?? '' },
};
