// An Express server whose route calls Moov, with `req.moov` or with bare Axios.
import axios from 'axios';
import express from 'express';
import { moovAuth } from '../../dist/esm/index.js';

const [way = '', baseURL = ''] = process.argv.slice(2);
const app = express();
if (way === 'bare axios') {
  const instance = axios.create({ baseURL, headers: { authorization: 'Bearer fixed' } });
  app.get('/', async (_req, res) => {
    const { data } = await instance.get('/ping');
    res.json(data);
  });
} else {
  const moov = moovAuth('/ping.read', {
    clientId: 'bench-public-key',
    clientSecret: 'bench-secret-key',
    origin: 'https://app.example.com',
    baseURL,
    retryBudget: false,
  });
  app.use(moov);
  app.get('/', async (req, res) => {
    const { data } = await req.moov.get('/ping');
    res.json(data);
  });
  await moov.ready();
}
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
});
