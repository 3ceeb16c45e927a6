// The terminal: what programs print, and what is typed for them.

import type { Terminal } from '@xterm/xterm';

import { element } from './dom.js';
import { openTerminal } from './terminal.js';

/** What typing does; a program may run, or none. */
export interface Typist {
  /** A line, with its end. */
  line(bytes: Uint8Array): void;
  /** Ctrl+D. */
  end(): void;
  /** Ctrl+C. */
  interrupt(): void;
}

const encoder = new TextEncoder();

/** What arrow keys send. */
const UP = '\x1b[A';
const DOWN = '\x1b[B';

export class Screen {
  readonly #terminal: Terminal;
  readonly #typist: Typist;
  /** What was typed since the last line. */
  #line = '';
  /** The lines before, the latest last, and which of them is shown. */
  #past: string[] = [];
  #shown = 0;
  #takes = false;
  /** Whether something stands in the line of the cursor. */
  #midLine = false;

  constructor(typist: Typist) {
    this.#typist = typist;
    this.#terminal = openTerminal(element('terminal'), {
      convertEol: true,
      cursorInactiveStyle: 'outline',
      disableStdin: true,
    });
    this.#terminal.onData((data) => this.#type(data));
    // The Tab key leaves the terminal, as it leaves every other part of the page.
    this.#terminal.attachCustomKeyEventHandler((event) => event.key !== 'Tab');
    this.takes(false);
  }

  /** What a program is told of it. */
  get environment(): Record<string, string> {
    return {
      COLUMNS: String(this.#terminal.cols),
      LANG: 'C.UTF-8',
      LINES: String(this.#terminal.rows),
      PWD: '/',
      TERM: 'xterm-256color',
    };
  }

  /** The page's own words: `style` is a number of ANSI's. */
  say(text: string, style = '90'): void {
    this.#terminal.write(`${this.#midLine ? '\r\n' : ''}\x1b[0;${style}m${text}\x1b[0m\r\n`);
    this.#midLine = false;
  }

  print(bytes: Uint8Array, error: boolean): void {
    this.#midLine = bytes.at(-1) !== 10;
    if (error) {
      this.#terminal.write('\x1b[31m');
      this.#terminal.write(bytes);
      this.#terminal.write('\x1b[39m');
    } else {
      this.#terminal.write(bytes);
    }
  }

  /** Whether what is typed goes anywhere. */
  takes(takes: boolean): void {
    this.#takes = takes;
    this.#line = '';
    this.#past = [];
    this.#shown = 0;
    this.#terminal.options.disableStdin = !takes;
    this.#terminal.options.cursorBlink = takes;
    this.#terminal.write(takes ? '\x1b[?25h' : '\x1b[0m\x1b[?25l');
  }

  focus(): void {
    this.#terminal.focus();
  }

  clear(): void {
    this.#terminal.reset();
    this.takes(this.#takes);
  }

  /** Types for somebody. */
  paste(text: string): void {
    this.#type(text.replaceAll('\n', '\r'));
  }

  /** Returns when all that was printed can be seen. */
  shown(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  #type(data: string): void {
    if (!this.#takes) {
      return;
    }
    if (data === UP || data === DOWN) {
      this.#recall(this.#shown + (data === UP ? -1 : 1));
    }
    // Other keys that send a sequence mean nothing here.
    for (const char of data.startsWith('\x1b') ? '' : data) {
      switch (char) {
        case '\r':
        case '\n':
          this.#terminal.write('\r\n');
          this.#midLine = false;
          this.#typist.line(encoder.encode(`${this.#line}\n`));
          this.#remember();
          break;
        case '\x7f':
          this.#erase();
          break;
        case '\x03':
          this.#terminal.write('^C');
          this.#midLine = true;
          this.#typist.interrupt();
          return;
        case '\x04':
          if (this.#line === '') {
            this.#typist.end();
          } else {
            this.#typist.line(encoder.encode(this.#line));
            this.#line = '';
          }
          break;
        default:
          if (char >= ' ' || char === '\t') {
            this.#line += char;
            this.#terminal.write(char);
            this.#midLine = true;
          }
      }
    }
  }

  #remember(): void {
    if (this.#line !== '' && this.#line !== this.#past.at(-1)) {
      this.#past.push(this.#line);
    }
    this.#line = '';
    this.#shown = this.#past.length;
  }

  /** Shows another line in the place of what was typed. */
  #recall(index: number): void {
    if (index < 0 || index > this.#past.length) {
      return;
    }
    while (this.#line !== '') {
      this.#erase();
    }
    this.#shown = index;
    this.#line = this.#past[index] ?? '';
    this.#terminal.write(this.#line);
  }

  #erase(): void {
    const chars = [...this.#line];
    if (chars.pop() !== undefined) {
      this.#line = chars.join('');
      this.#terminal.write('\b \b');
    }
  }
}
