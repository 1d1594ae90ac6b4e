import { defineConfig } from 'vite';

/** The pages run under `default-src 'self'`: every asset stays a file, and nothing is put into the HTML or the CSS. */
export default defineConfig({
  base: '/',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
