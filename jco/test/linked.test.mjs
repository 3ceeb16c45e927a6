import test from 'node:test';

import { transpileBytes } from '@bytecodealliance/jco-transpile';

import { composed, linked } from './programs/linked.mjs';
import { checkInWorker } from './support.mjs';

/** The component, transpiled once for each form. */
async function transpiled(component, forms) {
  const files = {};
  for (const [name, options] of Object.entries(forms)) {
    const made = await transpileBytes(component, {
      name,
      instantiation: 'async',
      base64Cutoff: 0,
      emitTypescriptDeclarations: false,
      nodejsCompat: false,
      ...options,
    });
    Object.assign(files, made.files);
  }
  return files;
}

const hybrid = { importBindings: 'hybrid' };
const classes = { importBindings: 'js' };

let made;

/** Both forms, which several tests use. */
const both = () =>
  (made ??= linked().then((component) => transpiled(component, { hybrid, classes })));

for (const kind of ['memory', 'volume']) {
  test(`a component that is linked directly, on a ${kind}`, async (t) => {
    const high = await transpiled(await linked({ pages: 32_770 }), { high: hybrid });
    const reordered = await transpiled(await linked({ entriesFirst: true }), { reordered: hybrid });
    const files = { ...(await both()), ...high, ...reordered };
    await checkInWorker(t, 'linked', { message: kind, files, least: 10 });
  });
}

test('both forms of what a component imports', async (t) => {
  const seed = process.env.SEED && Number(process.env.SEED);
  const message = { seeds: Number(process.env.SEEDS ?? 60), seed };
  await checkInWorker(t, 'forms', { message, files: await both() });
});

test('streams of the shim in both forms', async (t) => {
  await checkInWorker(t, 'foreign', { files: await both(), least: 8 });
});

test('guests that are suspended, and several at once', async (t) => {
  const suspending = { ...hybrid, asyncMode: 'jspi', asyncExports: ['run'] };
  const files = {
    ...(await transpiled(await linked(), { hybrid, suspending })),
    ...(await transpiled(await composed(), { composed: hybrid })),
  };
  await checkInWorker(t, 'waiting', { files, least: 4 });
});

test('a component without our streams', async (t) => {
  await checkInWorker(t, 'without', { files: await both() });
});
