/** In a style sheet that is constructed: no Content-Security-Policy has to allow styles that stand in the page. */
export const styles = `
:host { display: contents; }
dialog {
  box-sizing: border-box;
  inline-size: 36rem;
  max-inline-size: calc(100% - 2rem);
  max-block-size: 100%;
  margin: auto;
  padding: 1.5rem;
  overflow: auto;
  border: 4px solid #005eb8;
  background: #fff;
  color: #212b32;
  font: 1.1875rem/1.5 "Frutiger W01", Arial, sans-serif;
  overflow-wrap: anywhere;
}
dialog::backdrop { background: rgb(33 43 50 / 80%); }
dialog.cover::backdrop { background: #f0f4f5; }
h2 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
p:empty, [hidden] { display: none; }
.countdown { font-weight: 600; font-size: 1.375rem; }
.failure { color: #d5281b; font-weight: 600; }
.announcement {
  position: absolute;
  inline-size: 1px;
  block-size: 1px;
  margin: -1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.buttons { display: flex; flex-wrap: wrap; gap: 1rem; }
button {
  padding: 0.75rem 1rem;
  border: 2px solid transparent;
  border-radius: 4px;
  background: #007f3b;
  box-shadow: 0 4px 0 #00401e;
  color: #fff;
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button.secondary { border-color: #4c6272; background: #fff; box-shadow: 0 4px 0 #263139; color: #4c6272; }
button:hover { background: #00662f; }
button.secondary:hover { background: #d9dde0; }
button:focus-visible {
  outline: 4px solid transparent;
  background: #ffeb3b;
  box-shadow: 0 4px 0 #212b32;
  color: #212b32;
}
button[aria-disabled="true"] { cursor: default; opacity: 0.7; }
h2:focus { outline: none; }
@media (forced-colors: active) {
  dialog::backdrop { background: Canvas; opacity: 0.9; }
  dialog.cover::backdrop { opacity: 1; }
  button:focus-visible { outline-color: Highlight; outline-offset: 2px; }
}
`;
