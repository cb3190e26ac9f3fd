/**
 * A local server that behaves like Moov's API, for testing applications.
 *
 * @module express-moov-auth/sandbox
 */
export type { SandboxRequest } from './exchange.js';
export type { AnswerFault, DelayFault, DropFault, FaultRule, TruncateFault } from './faults.js';
export type { MoovSandboxOptions, SandboxLog } from './options.js';
export type { SandboxStats } from './recorder.js';
export type { SandboxAccount } from './resources/account.js';
export type { PaymentMethodType } from './resources/funding/methods.js';
export type { SettledStatus } from './resources/transfers/settlement.js';
export type {
  SandboxAmount,
  SandboxCancellation,
  SandboxRailDetails,
  SandboxRefund,
  SandboxTransfer,
  SandboxTransferParty,
  SandboxTransferStatus,
} from './resources/transfers/transfer.js';
export type { SandboxCall, SandboxHandler, SandboxResponse } from './responders.js';
export { createMoovSandbox, type MoovSandbox } from './sandbox.js';
export type {
  SandboxSeed,
  SeedAccount,
  SeedBankAccount,
  SeedCard,
  Seeded,
  SeededAccount,
  SeedHoldings,
} from './seed.js';
export type { SandboxWebhook } from './webhooks/sender.js';
