import { defineConfig } from 'vite';

export default defineConfig({
  root: '../app',
  base: './',
  build: { outDir: '../vite/dist', emptyOutDir: true },
  // The worker waits for modules, and loads some later: as a script it could not.
  worker: { format: 'es' },
  // Vite's server bundles packages as it comes to know them: a second time, perhaps, while a worker
  // runs that has begun with the first.
  optimizeDeps: { exclude: ['wasi-opfs', '@bytecodealliance/preview2-shim'] },
});
