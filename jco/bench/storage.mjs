// What the origin stores, as a whole.

/** Removes all of it; a handle may be held a moment longer than its worker. */
export async function wipe() {
  const top = await navigator.storage.getDirectory();
  for await (const name of top.keys()) {
    for (let attempt = 1; ; attempt++) {
      try {
        await top.removeEntry(name, { recursive: true });
        break;
      } catch (error) {
        if (attempt === 40) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** A file that is open; `remove` closes it, too. */
export async function raw(name) {
  const top = await navigator.storage.getDirectory();
  const file = await top.getFileHandle(name, { create: true });
  const handle = await file.createSyncAccessHandle();
  const remove = async () => {
    handle.close();
    await top.removeEntry(name);
  };
  return { handle, remove };
}

/**
 * Lets the machine have at hand what a phase is about to write to: memory that is touched
 * for the first time costs more than all else, and would hit whoever comes first.
 */
export function warm(handle, bytes) {
  const zeros = new Uint8Array(1 << 20);
  for (let at = 0; at < bytes * 1.5 + (8 << 20); at += zeros.length) {
    handle.write(zeros, { at });
  }
  handle.truncate(0);
}
