import express, { type Express } from 'express';
import { idempotencyKey, type MoovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';

/** The scopes of the shop's server: its customers' accounts, and payments of the platform. */
export const scopes = [
  '/accounts.read',
  '/accounts.write',
  '/accounts/{platformAccountID}/transfers.read',
  '/accounts/{platformAccountID}/transfers.write',
  '/accounts/{platformAccountID}/wallets.read',
] as const;
