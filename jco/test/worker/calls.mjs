// The functions of `wasi:filesystem`, and of `wasi:io` that goes with it, as a core module
// imports them.

const VERSION = '0.2.12';

/**
 * Arguments by letters: a handle of a descriptor (d), a directory entry stream (e), an input (i)
 * or output stream (o), an error (x) or a pollable (p); a path (P), bytes (B); flags of a path
 * (f), to open (O) and of a descriptor (F); advice (a), a time (T), 64 bits (N), a place for the
 * result (r). Behind `->` is what results go where they are not at a place.
 */
const INTERFACES = {
  'wasi:io/error': `
    error.to-debug-string xr`,
  'wasi:io/poll': `
    pollable.ready p->i32
    pollable.block p
    poll Br
    drop-pollable p`,
  'wasi:io/streams': `
    input-stream.read iNr
    input-stream.blocking-read iNr
    input-stream.skip iNr
    input-stream.blocking-skip iNr
    input-stream.subscribe i->i32
    output-stream.check-write or
    output-stream.write oBr
    output-stream.blocking-write-and-flush oBr
    output-stream.flush or
    output-stream.blocking-flush or
    output-stream.subscribe o->i32
    output-stream.write-zeroes oNr
    output-stream.blocking-write-zeroes-and-flush oNr
    output-stream.splice oiNr
    output-stream.blocking-splice oiNr
    drop-input-stream i
    drop-output-stream o`,
  'wasi:filesystem/types': `
    descriptor.read-via-stream dNr
    descriptor.write-via-stream dNr
    descriptor.append-via-stream dr
    descriptor.advise dNNar
    descriptor.sync-data dr
    descriptor.get-flags dr
    descriptor.get-type dr
    descriptor.set-size dNr
    descriptor.set-times dTTr
    descriptor.read dNNr
    descriptor.write dBNr
    descriptor.read-directory dr
    descriptor.sync dr
    descriptor.create-directory-at dPr
    descriptor.stat dr
    descriptor.stat-at dfPr
    descriptor.set-times-at dfPTTr
    descriptor.link-at dfPdPr
    descriptor.open-at dfPOFr
    descriptor.readlink-at dPr
    descriptor.remove-directory-at dPr
    descriptor.rename-at dPdPr
    descriptor.symlink-at dPPr
    descriptor.unlink-file-at dPr
    descriptor.is-same-object dd->i32
    descriptor.metadata-hash dr
    descriptor.metadata-hash-at dfPr
    directory-entry-stream.read-directory-entry er
    filesystem-error-code xr
    drop-descriptor d
    drop-directory-entry-stream e`,
  'wasi:filesystem/preopens': `
    get-directories r`,
  'wasi:cli/stdin': `
    get-stdin ->i32`,
  'wasi:cli/stdout': `
    get-stdout ->i32`,
  'wasi:cli/stderr': `
    get-stderr ->i32`,
};

/** `error` is of another interface, of which streams only pass it on. */
const DROP_ERROR = { name: 'drop-error', kinds: 'x', imported: '[resource-drop]error', answer: '' };

function parsed(from, line) {
  const [name, signature] = line.trim().split(' ');
  const [kinds, answer = ''] = signature.split('->');
  const resource = name.startsWith('drop-') ? name.slice('drop-'.length) : undefined;
  const method = name.includes('.') ? `[method]${name}` : name;
  return { name, kinds, answer, from, imported: resource ? `[resource-drop]${resource}` : method };
}

/** All of them: their names here, what they take and answer, and where they come from. */
export const CALLS = Object.entries(INTERFACES).flatMap(([name, lines]) =>
  lines
    .trim()
    .split('\n')
    .map((line) => parsed(`${name}@${VERSION}`, line)),
);
CALLS.push({ ...DROP_ERROR, from: `wasi:io/error@${VERSION}` });

const TYPES = { P: ['i32', 'i32'], B: ['i32', 'i32'], T: ['i32', 'i64', 'i32'], N: ['i64'] };

/** What a function takes and answers in the core module. */
export function flat({ kinds, answer }) {
  const parameters = [...kinds].flatMap((kind) => TYPES[kind] ?? ['i32']);
  return { parameters, results: answer ? [answer] : [] };
}
