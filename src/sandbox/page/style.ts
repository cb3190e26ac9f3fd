/** The page's style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --line: light-dark(#d8dce3, #3a404c);
  --paper: light-dark(#ffffff, #16191f);
  --ground: light-dark(#f4f5f8, #0e1014);
  --soft: light-dark(#5a6272, #a2abbb);
  --good: light-dark(#17663a, #7ed6a3);
  --bad: light-dark(#a8201a, #ff9d94);
  --warn: light-dark(#7a5200, #f0c46c);
  --accent: light-dark(#2446b8, #9db4ff);
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--ground);
  font: 15px/1.45 system-ui, sans-serif;
}
header {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0 1rem;
  padding: 0.7rem 1rem;
  background: var(--paper);
  border-bottom: 1px solid var(--line);
}
h1 { margin: 0; font-size: 1.15rem; }
h2 { margin: 0 0 0.6rem; font-size: 1rem; }
p { margin: 0 0 0.5rem; }
header p, h2 span, .soft, .empty { color: var(--soft); }
header p { margin: 0; }
h2 span { font-weight: normal; }
main, .aside {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 0.8rem;
}
main {
  max-width: 90rem;
  margin: 0 auto;
  padding: 0.8rem;
}
section {
  padding: 0.8rem;
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 8px;
}
@media (min-width: 60rem) {
  main { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); align-items: start; }
  .controls { grid-column: 1 / -1; }
}
nav { display: flex; flex-wrap: wrap; gap: 0 1rem; margin-left: auto; }
a { color: var(--accent); }
code, pre, .mono { font-family: ui-monospace, 'SF Mono', Consolas, monospace; font-size: 0.87em; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button {
  min-height: 2.3rem;
  padding: 0.3rem 0.8rem;
  font: inherit;
  color: inherit;
  background: var(--ground);
  border: 1px solid var(--line);
  border-radius: 6px;
  cursor: pointer;
}
button:hover { border-color: var(--accent); }
button.strong { color: var(--bad); }
button.small { min-height: 1.9rem; padding: 0.1rem 0.6rem; }
#done { min-height: 1.45em; margin: 0.5rem 0 0; color: var(--soft); }
#faults { margin: 0; padding: 0; list-style: none; color: var(--warn); }
#requests details { border-top: 1px solid var(--line); }
summary { cursor: pointer; }
.methods summary { color: var(--accent); }
#requests summary {
  display: grid;
  grid-template-columns: 4.6rem 3.9rem minmax(0, 1fr) 4rem;
  gap: 0 0.5rem;
  padding: 0.35rem 0.2rem;
}
#requests summary:hover { background: var(--ground); }
summary .path, summary .note { overflow-wrap: anywhere; }
summary .path .soft { font-family: system-ui, sans-serif; margin-left: 0.5rem; }
summary .note { grid-column: 3 / -1; color: var(--soft); font-size: 0.9em; }
summary .status { text-align: right; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
#requests details > div { padding: 0.2rem 0.2rem 0.8rem; }
h3 { margin: 0.6rem 0 0.2rem; font-size: 0.87rem; color: var(--soft); }
pre {
  max-height: 22rem;
  margin: 0;
  padding: 0.5rem;
  overflow: auto;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  background: var(--ground);
  border-radius: 6px;
}
.cards { margin: 0; padding: 0; list-style: none; }
.cards li { padding: 0.4rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.cards li:first-child { border-top: 0; padding-top: 0; }
.cards .head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.cards .head span:first-child { font-weight: 600; }
.cards .buttons { margin-top: 0.3rem; }
section:has(li) .empty, section:has(#requests details) #no-requests { display: none; }
@media (max-width: 30rem) {
  #requests summary { grid-template-columns: minmax(0, 1fr) auto auto; }
  summary .path, summary .note { grid-column: 1 / -1; }
  summary .path { order: 1; }
  summary .note { order: 2; }
  .buttons button { flex: 1 1 45%; }
}
`;
