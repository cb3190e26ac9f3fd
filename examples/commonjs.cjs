// A CommonJS server. It reads the same variables as minimal.ts.
const express = require('express');
const { moovAuth, moovErrorHandler, moovPath } = require('express-moov-auth');

const moov = moovAuth('/accounts.read');
const app = express();
app.use(moov);

app.get('/accounts/:id', async (req, res) => {
  const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
  res.json(data);
});

app.use(moovErrorHandler());

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
