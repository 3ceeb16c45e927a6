// In the place of Node's files, where there are none.

export function readFile(path) {
  throw new Error(`there are no files here to read '${path}' from`);
}
