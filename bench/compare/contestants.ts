import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';
import { Moov } from '@moovio/sdk';
import axios from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { clientCredentials } from 'axios-oauth-client';
import { request } from 'undici';
import { moovSdk } from '../../dist/esm/sdk/index.js';
import { authenticated, bareAxios, fixedHeaders, key, origin } from './clients.js';

/** One call of `GET /ping`; rejects unless it was answered with 200. */
export type Call = () => Promise<unknown>;

async function handWired(baseURL: string): Promise<Call> {
  const getToken = clientCredentials(
    axios.create(),
    `${baseURL}/oauth2/token`,
    key.clientId,
    key.clientSecret,
  );
  const instance = axios.create({ baseURL, headers: { origin } });
  let accessToken: string | undefined;
  const renew = async () => {
    ({ access_token: accessToken } = await getToken('/ping.read'));
  };
  instance.interceptors.request.use((config) => {
    config.headers.set('X-Moov-Version', 'v2024.01.00');
    if (accessToken !== undefined) config.headers.set('Authorization', `Bearer ${accessToken}`);
    return config;
  });
  createAuthRefresh(instance, renew);
  return () => instance.get('/ping');
}

async function badgateway(baseURL: string): Promise<Call> {
  const client = new OAuth2Client({ server: baseURL, ...key, tokenEndpoint: '/oauth2/token' });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => client.clientCredentials({ scope: ['/ping.read'] }),
  });
  return () =>
    read(wrapper.fetch(`${baseURL}/ping`, { headers: { origin, 'x-moov-version': 'v2024.01.00' } }));
}

async function read(reply: Promise<Response>): Promise<unknown> {
  const response = await reply;
  const data = await response.json();
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return data;
}

/** Every way of calling Moov that is compared, by its name in the tables. */
export const contestants: Readonly<Record<string, (baseURL: string) => Promise<Call>>> = {
  'req.moov (undici)': async (baseURL) => {
    const { client } = authenticated(baseURL);
    return () => client.get('/ping');
  },
  'req.moov (axios)': async (baseURL) => {
    const { client } = authenticated(baseURL, 'axios');
    return () => client.get('/ping');
  },
  'moov.fetch': async (baseURL) => {
    const moov = authenticated(baseURL);
    return () => read(moov.fetch('/ping'));
  },
  moovSdk: async (baseURL) => {
    const sdk = moovSdk(authenticated(baseURL));
    return () => sdk.ping.ping();
  },
  'bare axios, fixed header': async (baseURL) => {
    const instance = bareAxios(baseURL);
    return () => instance.get('/ping');
  },
  'axios + axios-oauth-client + axios-auth-refresh': handWired,
  '@badgateway/oauth2-client': badgateway,
  '@moovio/sdk': async (serverURL) => {
    const sdk = new Moov({ serverURL, security: { username: key.clientId, password: key.clientSecret } });
    return () => sdk.ping.ping();
  },
  'global fetch': async (baseURL) => () => read(fetch(`${baseURL}/ping`, { headers: fixedHeaders })),
  'undici.request': async (baseURL) => async () => {
    const { statusCode, body } = await request(`${baseURL}/ping`, { headers: fixedHeaders });
    const data = await body.json();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return data;
  },
};

/** What the ratios are to. */
export const bare = 'bare axios, fixed header';

/** Those that are compared with what stands beside them without this package. */
export const pairs = [
  ['req.moov (undici)', bare],
  ['moov.fetch', 'global fetch'],
  ['moovSdk', '@moovio/sdk'],
] as const;
