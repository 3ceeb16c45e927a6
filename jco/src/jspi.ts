// What jco has to know of mounts that wait.

/** The methods of `descriptor` that a mount that waits answers with a promise. */
const methods = [
  'create-directory-at',
  'link-at',
  'metadata-hash',
  'metadata-hash-at',
  'open-at',
  'read-directory',
  'readlink-at',
  'remove-directory-at',
  'rename-at',
  'set-times',
  'set-times-at',
  'stat',
  'stat-at',
  'symlink-at',
  'sync',
  'sync-data',
  'unlink-file-at',
];

/** What jco is told. */
export const asyncImports: readonly string[] = methods.map(
  (method) => `wasi:filesystem/types#[method]descriptor.${method}`,
);

/** Their names in JavaScript. */
export const waitingMethods: readonly string[] = methods.map((method) =>
  method.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
);
