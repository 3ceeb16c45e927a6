import { defineConfig } from 'vite';

export default defineConfig({
  root: '../app',
  base: './',
  build: { outDir: '../vite/dist', emptyOutDir: true },
  // The worker waits for modules, and loads some later: as a script it could not.
  worker: { format: 'es' },
  // Vite's server would make one module of each package, away from the files beside it.
  optimizeDeps: { exclude: ['wasi-opfs', '@bytecodealliance/preview2-shim'] },
});
