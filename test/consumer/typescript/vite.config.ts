import react from '@vitejs/plugin-react';
import { bff } from 'cis2-bff/vite';
import { defineConfig } from 'vite';

export default defineConfig({ plugins: [react(), bff()] });
