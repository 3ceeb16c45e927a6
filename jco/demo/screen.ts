// The terminal: what programs print, and what is typed for them.

import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';

import { element } from './dom.js';

const light: ITheme = {
  background: '#f7f8fa',
  foreground: '#1b1f27',
  cursor: '#0f766e',
  cursorAccent: '#f7f8fa',
  selectionBackground: '#0f766e40',
  scrollbarSliderBackground: '#1b1f2726',
  scrollbarSliderHoverBackground: '#1b1f2740',
  scrollbarSliderActiveBackground: '#1b1f2759',
  black: '#1b1f27',
  red: '#b42318',
  green: '#15803d',
  yellow: '#946300',
  blue: '#1d56c9',
  magenta: '#8a3ab9',
  cyan: '#0f766e',
  white: '#5b6472',
  brightBlack: '#667085',
  brightRed: '#d92d20',
  brightGreen: '#16a34a',
  brightYellow: '#b47a00',
  brightBlue: '#2e6bea',
  brightMagenta: '#a24fd3',
  brightCyan: '#0e8f84',
  brightWhite: '#1b1f27',
};

const dark: ITheme = {
  background: '#11151a',
  foreground: '#e6e9ee',
  cursor: '#5fd4c4',
  cursorAccent: '#11151a',
  selectionBackground: '#5fd4c440',
  scrollbarSliderBackground: '#e6e9ee26',
  scrollbarSliderHoverBackground: '#e6e9ee40',
  scrollbarSliderActiveBackground: '#e6e9ee59',
  black: '#2a303a',
  red: '#ff8a80',
  green: '#6fdc8c',
  yellow: '#f2c94c',
  blue: '#82b1ff',
  magenta: '#d6a1f5',
  cyan: '#5fd4c4',
  white: '#c9d0da',
  brightBlack: '#98a2b1',
  brightRed: '#ffa49c',
  brightGreen: '#8ee8a6',
  brightYellow: '#ffdb70',
  brightBlue: '#a3c6ff',
  brightMagenta: '#e3bdf8',
  brightCyan: '#85e3d6',
  brightWhite: '#ffffff',
};

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
    const colours = matchMedia('(prefers-color-scheme: dark)');
    const narrow = matchMedia('(max-width: 520px)');
    this.#terminal = new Terminal({
      convertEol: true,
      cursorInactiveStyle: 'outline',
      disableStdin: true,
      fontFamily: getComputedStyle(document.body).getPropertyValue('--mono'),
      fontSize: narrow.matches ? 12 : 13,
      lineHeight: 1.3,
      // The scroll bar, too, is so wide.
      overviewRuler: { width: 8 },
      scrollback: 5000,
      theme: colours.matches ? dark : light,
    });
    colours.addEventListener('change', () => {
      this.#terminal.options.theme = colours.matches ? dark : light;
    });
    narrow.addEventListener('change', () => {
      this.#terminal.options.fontSize = narrow.matches ? 12 : 13;
    });
    const fit = new FitAddon();
    this.#terminal.loadAddon(fit);
    const place = element('terminal');
    this.#terminal.open(place);
    new ResizeObserver(() => fit.fit()).observe(place);
    fit.fit();
    this.#terminal.onData((data) => this.#type(data));
    // The Tab key leaves the terminal, as it leaves every other part of the page.
    this.#terminal.attachCustomKeyEventHandler((event) => event.key !== 'Tab');
    this.takes(false);
  }

  get columns(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
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
