/** What the page consists of; its script fills it. */
export const markup = `
<header>
  <h1>Moov sandbox</h1>
  <p id="connection" role="status">Connecting…</p>
  <nav>
    <a href="#requests-title">Requests</a>
    <a href="#transfers-title">Transfers</a>
    <a href="#accounts-title">Accounts</a>
    <a href="#tokens-title">Tokens</a>
  </nav>
</header>
<main>
  <section aria-labelledby="controls-title" class="controls">
    <h2 id="controls-title">Faults and tokens</h2>
    <div class="buttons">
      <button type="button" data-action="loseNextPayment">Lose the next payment’s response</button>
      <button type="button" data-action="outage">503 for 10 s</button>
      <button type="button" data-action="rateLimit">429 for 5 requests</button>
      <button type="button" data-action="expireTokens">Expire all tokens</button>
      <button type="button" data-action="revokeTokens">Revoke all tokens</button>
      <button type="button" data-action="clearFaults">Clear faults</button>
      <button type="button" data-action="reset" class="strong">Reset</button>
    </div>
    <p id="done" role="status"></p>
    <ul id="faults"></ul>
  </section>
  <section aria-labelledby="requests-title" class="requests">
    <h2 id="requests-title">Requests <span id="request-count"></span></h2>
    <p id="no-requests">None yet. Run your server with <code id="export"></code> and the other variables that the sandbox’s terminal shows.</p>
    <div id="requests"></div>
  </section>
  <div class="aside">
  <section aria-labelledby="transfers-title">
    <h2 id="transfers-title">Transfers</h2>
    <p class="empty">None yet.</p>
    <ul id="transfers" class="cards"></ul>
  </section>
  <section aria-labelledby="accounts-title">
    <h2 id="accounts-title">Accounts and wallets</h2>
    <ul id="accounts" class="cards"></ul>
  </section>
  <section aria-labelledby="tokens-title">
    <h2 id="tokens-title">Tokens</h2>
    <p class="empty">None is valid.</p>
    <ul id="tokens" class="cards"></ul>
  </section>
  </div>
</main>
`;
