// What jco has to know of mounts that wait.

/** The methods that a mount that waits answers with a promise. */
export const asyncImports: readonly string[] = [
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
].map((method) => `wasi:filesystem/types#[method]descriptor.${method}`);
