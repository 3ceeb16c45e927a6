// Programs that somebody brings: dropped on the page, chosen as a file, or by an address.

import { element } from './dom.js';
import { fetched } from './guest.js';

/** What becomes of them. */
export interface Receiver {
  /** It is on its way. */
  coming(name: string): void;
  come(name: string, program: ArrayBuffer): void;
  /** It could not be had. */
  failed(name: string, why: string): void;
}

/** The name of a program: that of its file, without the extension. */
function nameOf(file: string): string {
  const last = file.split('/').filter(Boolean).at(-1) ?? '';
  return last.replace(/\.wasm$/, '').replace(/\s+/g, '-') || 'program';
}

async function bring(
  file: string,
  receiver: Receiver,
  load: () => Promise<ArrayBuffer>,
): Promise<void> {
  const name = nameOf(file);
  receiver.coming(name);
  try {
    receiver.come(name, await load());
  } catch (error) {
    receiver.failed(name, (error as Error).message);
  }
}

/** Has `receiver` be told of what is brought. */
export function receive(receiver: Receiver): void {
  const take = (file: File | undefined): void => {
    if (file) {
      void bring(file.name, receiver, () => file.arrayBuffer());
    }
  };

  const chosen = element<HTMLInputElement>('own-file');
  chosen.addEventListener('change', () => {
    take(chosen.files?.[0]);
    // The same file may have changed when it is chosen again.
    chosen.value = '';
  });

  const address = element<HTMLInputElement>('own-address');
  element('own').addEventListener('submit', (event) => {
    event.preventDefault();
    if (address.value !== '') {
      const { href, pathname } = new URL(address.value, location.href);
      void bring(pathname, receiver, async () => (await fetched(href)).arrayBuffer());
    }
  });

  const hasFiles = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes('Files') ?? false;
  const over = (is: boolean): void => void document.body.classList.toggle('dropping', is);
  document.addEventListener('dragover', (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      over(true);
    }
  });
  document.addEventListener('dragleave', (event) => {
    // Out of the window, not from one element to another.
    if (!event.relatedTarget) {
      over(false);
    }
  });
  document.addEventListener('drop', (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      over(false);
      take(event.dataTransfer?.files[0]);
    }
  });
}
