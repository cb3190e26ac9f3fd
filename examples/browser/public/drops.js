// The same for Moov.js and its Drops. This page does not load them, so that the example runs without a network. Yours
// has <script src="https://js.moov.io/v1"></script>, a Drop such as <moov-payment-methods>, and:
//
//   import { connectDrop } from './drops.js';
//   import { mint } from './token.js';
//
//   const moov = Moov(await mint());
//   const drop = document.querySelector('moov-payment-methods');
//   connectDrop(moov, drop, mint, (error) => { ... });

/**
 * Gives a Drop its token, and a new one when it reports that the token was refused (expired or revoked).
 *
 * Once only: if the new token is refused too, a scope is missing, or the page's origin is not registered with the API
 * key, and more tokens would not help.
 *
 * This is for Drops whose onError gets { errorType, error }: moov-onboarding, moov-payment-methods, moov-file-upload.
 * moov-card-link has its token in oauthToken, and its onError gets only a text. Give it a new token before it is used.
 */
export async function connectDrop(moov, drop, mint, report) {
  let tried = false;
  const supply = async () => {
    const token = await mint();
    moov.setToken(token); // for moov.accounts and the like
    drop.token = token;
  };
  drop.onError = async ({ errorType, error }) => {
    if (errorType !== 'token' || tried) return report(error);
    tried = true;
    await supply().catch(report);
  };
  // A Drop creates resources one after another. A created resource shows that its token works.
  drop.onResourceCreated = () => {
    tried = false;
  };
  await supply();
}
