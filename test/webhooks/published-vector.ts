/** The delivery in the tests of Moov's Go SDK (package mhooks). */
export const publishedVector = {
  secret: 'my-webhook-signing-secret',
  headers: {
    'x-timestamp': '2024-04-26T21:20:55Z',
    'x-nonce': 'LwxF1Uk7QOeDq2nzB3theslHbtAo7y3uuncB1PoijwCZZaRZsd8DOtffBT7p',
    'x-webhook-id': 'dff0a709-f982-4475-81e8-214b435c74ab',
    'x-signature':
      '6231d03752de6963087e6aea1c78a27a0617b6df1c071195f30ed85defe34e02fd0bf3995949fe12dafd747c42de9cfae03b8aafcf69cceba5495f4c7b719d82',
  },
};
