import axios, { type AxiosInstance } from 'axios';
import { type MoovAuth, moovAuth } from '../../dist/esm/index.js';

export const key = { clientId: 'bench-public-key', clientSecret: 'bench-secret-key' };
export const origin = 'https://app.example.com';
export const fixedHeaders = { authorization: 'Bearer fixed', 'x-moov-version': 'v2024.01.00', origin };

export function authenticated(baseURL: string, transport: 'undici' | 'axios' = 'undici'): MoovAuth {
  return moovAuth('/ping.read', { ...key, origin, baseURL, transport, retryBudget: false });
}

export function bareAxios(baseURL: string): AxiosInstance {
  return axios.create({ baseURL, headers: fixedHeaders });
}
