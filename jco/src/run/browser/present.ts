// Whether what is mounted is there: opening it would make it.

/** The end of a volume's file in OPFS. */
const VOLUME = '.volume';

/**
 * Refuses a volume or a tree that this profile has not. What is no name at all is left to
 * whoever opens it.
 */
export async function present(kind: string, name: string): Promise<void> {
  const top = await navigator.storage.getDirectory();
  try {
    if (kind === 'volume') {
      await top.getFileHandle(`${name}${VOLUME}`);
    } else if (kind === 'tree') {
      let directory = top;
      for (const part of name.split('/')) {
        directory = await directory.getDirectoryHandle(part);
      }
    }
  } catch (error) {
    if ((error as DOMException).name !== 'NotFoundError') {
      return;
    }
    const names = await namesOf(top, kind);
    const others =
      names === '' ? 'none at all; check --profile' : `none of that name, but ${names}`;
    throw new Error(`cannot open the ${kind} '${name}': this profile has ${others}`);
  }
}

/** How many names a message has. */
const SHOWN = 10;

async function namesOf(top: FileSystemDirectoryHandle, kind: string): Promise<string> {
  const names: string[] = [];
  for await (const [name, handle] of entries(top)) {
    if (kind === 'tree' && handle.kind === 'directory') {
      names.push(`'${name}'`);
    } else if (kind === 'volume' && handle.kind === 'file' && name.endsWith(VOLUME)) {
      names.push(`'${name.slice(0, -VOLUME.length)}'`);
    }
  }
  names.sort();
  const more = names.length > SHOWN ? [`and ${names.length - SHOWN} more`] : [];
  return [...names.slice(0, SHOWN), ...more].join(', ');
}

/** TypeScript's library does not iterate over directories. */
function entries(
  directory: FileSystemDirectoryHandle,
): AsyncIterable<[string, FileSystemHandle]> {
  return directory as unknown as AsyncIterable<[string, FileSystemHandle]>;
}
