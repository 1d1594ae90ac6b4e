import { defineConfig } from 'vite';

/** The pages run under `default-src 'self'`: every asset stays a file, and nothing is put into the HTML or the CSS. */
export default defineConfig({
  build: {
    // The oldest browsers that these pages are for. `index.html` names them to everybody else.
    target: ['chrome111', 'edge111', 'firefox114', 'safari16.4'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // "use client" in the library is for React on a server.
    rolldownOptions: { checks: { moduleLevelDirective: false, bundlerTimings: false } },
  },
});
