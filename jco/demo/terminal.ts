// A terminal of xterm's that looks as the page does.

import { FitAddon } from '@xterm/addon-fit';
import { type ITerminalOptions, type ITheme, Terminal } from '@xterm/xterm';

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

/** Opens a terminal that fills a place, in the page's colours. */
export function openTerminal(place: HTMLElement, options: ITerminalOptions): Terminal {
  const colours = matchMedia('(prefers-color-scheme: dark)');
  const narrow = matchMedia('(max-width: 520px)');
  const terminal = new Terminal({
    fontFamily: getComputedStyle(document.body).getPropertyValue('--mono'),
    fontSize: narrow.matches ? 12 : 13,
    lineHeight: 1.3,
    // The scroll bar, too, is so wide.
    overviewRuler: { width: 8 },
    scrollback: 5000,
    theme: colours.matches ? dark : light,
    ...options,
  });
  colours.addEventListener('change', () => {
    terminal.options.theme = colours.matches ? dark : light;
  });
  narrow.addEventListener('change', () => {
    terminal.options.fontSize = narrow.matches ? 12 : 13;
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  new ResizeObserver(() => fit.fit()).observe(place);
  fit.fit();
  return terminal;
}
