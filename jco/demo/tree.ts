// The files as a tree that the keyboard can walk.

import { confirmed, element, make, picture } from './dom.js';
import type { Entry } from './files.js';
import * as files from './files.js';
import * as format from './format.js';

/** So many rows are shown. */
const ROWS = 500;

export class Tree {
  readonly #list = element('tree');
  readonly #closed = new Set<string>();
  readonly #onOpen: (path: string) => void;
  readonly #onDelete: () => void;
  #entries: Entry[] = [];
  #selected: string | undefined;
  /** The row that the Tab key comes to. */
  #current: string | undefined;

  constructor(onOpen: (path: string) => void, onDelete: () => void) {
    this.#onOpen = onOpen;
    this.#onDelete = onDelete;
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    element('refresh').addEventListener('click', () => void this.refresh());
    element('delete-all').addEventListener('click', () => void this.#deleteAll());
  }

  /** Looks at the files again. */
  async refresh(): Promise<void> {
    this.#entries = await files.list();
    this.#render();
  }

  /** How many files there are, and how large they are together. */
  get amount(): { files: number; bytes: number } {
    const found = this.#entries.filter(({ kind }) => kind !== 'directory');
    return { files: found.length, bytes: found.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Marks the file that is shown. */
  select(path: string | undefined): void {
    this.#selected = path;
    this.#render();
  }

  #render(): void {
    const focused = this.#list.contains(document.activeElement);
    const hidden = (path: string): boolean =>
      [...this.#closed].some((closed) => path.startsWith(`${closed}/`));
    const visible = this.#entries.filter(({ path }) => !hidden(path));
    if (!visible.some(({ path }) => path === this.#current)) {
      this.#current = visible[0]?.path;
    }
    const rows = visible.slice(0, ROWS).map((entry) => {
      const row = this.#row(entry);
      const holds = this.#entries.some(({ path }) => path.startsWith(`${entry.path}/`));
      row.classList.toggle('bare', !holds);
      return row;
    });
    if (visible.length > ROWS) {
      const more = `and ${(visible.length - ROWS).toLocaleString('en')} more`;
      rows.push(make('li', { className: 'more', role: 'none' }, more));
    }
    this.#list.replaceChildren(...rows);
    if (focused) {
      this.#rowOf(this.#current)?.focus();
    }
    const { files: number, bytes } = this.amount;
    const none = this.#entries.length === 0;
    element('amount').textContent = none
      ? ''
      : `${format.count(number, 'file')}, ${format.size(bytes)}`;
    element('empty').hidden = !none;
    this.#list.hidden = none;
    element('delete-all').hidden = none;
  }

  #row(entry: Entry): HTMLLIElement {
    const { path, name, kind, target, level, size, modified } = entry;
    const row = make('li', { role: 'treeitem', tabIndex: path === this.#current ? 0 : -1 });
    row.dataset.path = path;
    row.dataset.kind = kind;
    row.style.setProperty('--level', String(level));
    row.ariaLevel = String(level);
    row.ariaSelected = String(path === this.#selected);
    const directory = kind === 'directory';
    if (directory) {
      row.ariaExpanded = String(!this.#closed.has(path));
      row.ariaLabel = `${name}, directory`;
      row.append(picture('chevron', 'chevron'), picture('folder', 'kind'));
    } else {
      row.ariaLabel = `${name}, ${format.size(size)}, ${format.time(modified)}`;
      row.append(make('span', {}), picture('file', 'kind'));
    }
    row.append(
      make('span', { className: 'name', title: path }, target ? `${name} → ${target}` : name),
      make('span', { className: 'size' }, directory ? '' : format.size(size)),
      directory
        ? make('span', {})
        : make('time', { title: format.wholeTime(modified) }, format.time(modified)),
    );
    const button = make('button', { className: 'icon danger', type: 'button', tabIndex: -1 });
    button.title = `Delete ${path}`;
    button.ariaLabel = button.title;
    button.append(picture('trash'));
    button.addEventListener('click', (event) => {
      event.stopPropagation();
      void this.#delete(entry);
    });
    row.append(button);
    row.addEventListener('click', () => this.#act(entry));
    return row;
  }

  #rowOf(path: string | undefined): HTMLElement | undefined {
    return [...this.#list.querySelectorAll<HTMLElement>('[data-path]')].find(
      (row) => row.dataset.path === path,
    );
  }

  /** What a click or the Enter key does. */
  #act(entry: Entry): void {
    this.#current = entry.path;
    if (entry.kind !== 'directory') {
      this.#onOpen(entry.path);
    } else {
      this.#toggle(entry.path, this.#closed.has(entry.path));
    }
  }

  #toggle(path: string, open: boolean): void {
    if (open) {
      this.#closed.delete(path);
    } else {
      this.#closed.add(path);
    }
    this.#render();
  }

  #key(event: KeyboardEvent): void {
    const entry = this.#entries.find(({ path }) => path === this.#current);
    if (!entry || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const rows = [...this.#list.querySelectorAll<HTMLElement>('[data-path]')];
    const at = rows.findIndex((row) => row.dataset.path === entry.path);
    const go = (row: HTMLElement | undefined): void => {
      if (row) {
        this.#current = row.dataset.path;
        rows.forEach((other) => (other.tabIndex = other === row ? 0 : -1));
        row.focus();
      }
    };
    const directory = entry.kind === 'directory';
    const open = directory && !this.#closed.has(entry.path);
    const actions: Record<string, () => void> = {
      ArrowDown: () => go(rows[at + 1]),
      ArrowUp: () => go(rows[at - 1]),
      Home: () => go(rows[0]),
      End: () => go(rows.at(-1)),
      ArrowRight: () => (directory && !open ? this.#toggle(entry.path, true) : go(rows[at + 1])),
      ArrowLeft: () =>
        open
          ? this.#toggle(entry.path, false)
          : go(this.#rowOf(entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/'))))),
      Enter: () => this.#act(entry),
      ' ': () => this.#act(entry),
      Delete: () => void this.#delete(entry),
    };
    const action = actions[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  }

  async #delete({ path, kind }: Entry): Promise<void> {
    const what = kind === 'directory' ? `${path} and all that is in it` : path;
    if (await confirmed(`Delete ${what}?`)) {
      await this.#change(() => files.remove(path));
    }
  }

  async #deleteAll(): Promise<void> {
    if (await confirmed('Delete all files of this page?')) {
      await this.#change(files.removeAll);
    }
  }

  async #change(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      element('amount').textContent = `Not deleted: ${(error as Error).message}`;
      return;
    }
    await this.refresh();
    this.#onDelete();
  }
}
