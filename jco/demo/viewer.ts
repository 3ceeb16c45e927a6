// One file, as text or as bytes.

import { element, make } from './dom.js';
import * as files from './files.js';
import * as format from './format.js';

/** So much of a file is shown. */
const TEXT = 256 << 10;
const BYTES = 16 << 10;

type Form = 'text' | 'hex';

export class Viewer {
  readonly #panel = element('viewer');
  readonly #content = element('content');
  readonly #onChange: (path: string | undefined) => void;
  #path: string | undefined;
  /** What was asked for, instead of what the content suggests. */
  #form: Form | undefined;
  #address = '';

  constructor(onChange: (path: string | undefined) => void) {
    this.#onChange = onChange;
    element('close').addEventListener('click', () => this.close());
    for (const form of ['text', 'hex'] as const) {
      element(`as-${form}`).addEventListener('click', () => {
        this.#form = form;
        void this.refresh();
      });
    }
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        this.close();
      }
    });
  }

  async open(path: string): Promise<void> {
    this.#path = path;
    this.#form = undefined;
    await this.refresh();
    this.#content.scrollTop = 0;
    this.#panel.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  close(): void {
    this.#path = undefined;
    this.#panel.hidden = true;
    URL.revokeObjectURL(this.#address);
    this.#onChange(undefined);
  }

  /** Shows the file as it is now. */
  async refresh(): Promise<void> {
    const path = this.#path;
    if (path === undefined) {
      return;
    }
    const file = await files.read(path);
    if (!file) {
      this.close();
      return;
    }
    const bytes = new Uint8Array(await file.slice(0, TEXT).arrayBuffer());
    const text = asText(bytes, file.size > bytes.length);
    const form = this.#form ?? (text === undefined ? 'hex' : 'text');
    const shown = form === 'text' ? bytes.length : Math.min(bytes.length, BYTES);
    this.#panel.hidden = false;
    this.#content.classList.toggle('hex', form === 'hex');
    this.#content.replaceChildren(
      ...(form === 'hex'
        ? dump(bytes.subarray(0, shown), this.#content.clientWidth < 560 ? 8 : 16)
        : [text ?? inDots(new TextDecoder().decode(bytes))]),
    );
    const facts = [
      `${file.size.toLocaleString('en')} bytes`,
      `changed ${format.wholeTime(file.lastModified)}`,
      ...(shown < file.size ? [`the first ${format.size(shown)} are shown`] : []),
    ];
    element('facts').textContent = facts.join(' · ');
    element('viewer-title').textContent = path;
    element('viewer-title').title = path;
    element('as-text').ariaPressed = String(form === 'text');
    element('as-hex').ariaPressed = String(form === 'hex');
    this.#offer(file);
    this.#onChange(path);
  }

  #offer(file: File): void {
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(file);
    const link = element<HTMLAnchorElement>('download');
    link.href = this.#address;
    link.download = file.name;
  }
}

/** The bytes as text, if they are some; `more` of them may follow. */
function asText(bytes: Uint8Array, more: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: more });
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Text with a dot for each character that has no shape. */
function inDots(text: string): string {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '·');
}

function dump(bytes: Uint8Array, perLine: number): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const line = [...bytes.subarray(at, at + perLine)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·'));
    const offset = at.toString(16).padStart(6, '0');
    nodes.push(
      make('span', { className: 'offset' }, offset),
      document.createTextNode(`  ${hex.padEnd(3 * perLine - 1)}  ${text.join('')}\n`),
    );
  }
  return nodes;
}
