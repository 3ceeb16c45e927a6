// The package for pages without a bundler: in one file with what it needs of the shim, because
// a worker finds no package by its name.

export * from './index.js';
export { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
