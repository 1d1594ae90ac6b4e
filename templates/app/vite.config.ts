import react from '@vitejs/plugin-react';
import { bff } from 'cis2-bff/vite';
import { defineConfig } from 'vite';

// Under the content security policy every asset is a file of its own.
export default defineConfig({ plugins: [react(), bff()], build: { assetsInlineLimit: 0 } });
