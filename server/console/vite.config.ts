import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the console of a server on this machine.
export default defineConfig({
  plugins: [react()],
  // The tests read the server's routes and the API's page.
  server: { fs: { allow: ['../..'] }, proxy: { '/api': { target: 'https://localhost:8443', secure: false } } },
  build: { target: 'es2022', sourcemap: false, manifest: true, chunkSizeWarningLimit: 700 },
  test: { environment: 'jsdom' },
});
