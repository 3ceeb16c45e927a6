// The page with Linux: its console, WebAssembly programs, and the files of both.

import { element, make } from '../dom.js';
import * as files from '../files.js';
import * as format from '../format.js';
import { Shelf } from '../guest.js';
import { Screen } from '../screen.js';
import { openTerminal } from '../terminal.js';
import { Tree } from '../tree.js';
import { Viewer } from '../viewer.js';
import { words } from '../words.js';
import { type Example, type Suggested, commands, programs } from './examples.js';
import type { FromWorker, Offer, ToWorker } from './messages.js';

const field = element<HTMLInputElement>('arguments');
const button = element<HTMLButtonElement>('run');
const encoder = new TextEncoder();

// What is asked for is v86's: it gives way by the engine's scheduler then, which costs it less.
const worker = new Worker('linux/worker.js?use-scheduling-api', { type: 'module', name: 'Linux' });
const linux = openTerminal(element('console'), { cursorBlink: true, disableStdin: true });
const screen = new Screen({ line() {}, end() {}, interrupt() {} });
const viewer = new Viewer((path) => tree.select(path));
const tree = new Tree(
  (path) => void viewer.open(path),
  () => void viewer.refresh(),
);

let program: Suggested = programs[0]!;
let shelf: Shelf | undefined;
/** Of a program that runs. */
let ended: PromiseWithResolvers<void> | undefined;

function tell(message: ToWorker): void {
  worker.postMessage(message);
}

function become(state: 'loading' | 'ready' | 'unable', text: string): void {
  document.body.dataset.state = state;
  element('state').textContent = text;
}

function refuse(what: string, why: string): void {
  element('notice').replaceChildren(make('strong', {}, what), why);
  element('notice').hidden = false;
  become('unable', 'Cannot run');
}

/** Looks at the files, and says so if that fails. */
async function look(): Promise<void> {
  try {
    await Promise.all([tree.refresh(), viewer.refresh()]);
  } catch (error) {
    element('amount').textContent = 'not to be seen';
    element('amount').title = (error as Error).message;
  }
}

/** Linux says when it has written nothing: its console is quiet for so many milliseconds. */
const QUIET = 400;
let quiet: ReturnType<typeof setTimeout> | undefined;

function printed(bytes: Uint8Array): void {
  linux.write(bytes);
  clearTimeout(quiet);
  quiet = setTimeout(() => void look(), QUIET);
}

function type(text: string): void {
  tell({ type: 'typed', bytes: encoder.encode(text) });
}

function up(ms: number): void {
  linux.options.disableStdin = false;
  element('machine').textContent += `; up in ${format.duration(ms)}`;
  for (const command of element('commands').querySelectorAll('button')) {
    command.disabled = false;
  }
  become('ready', 'Ready');
  void prepare();
  // Where there is no keyboard, one would come up.
  if (matchMedia('(pointer: fine)').matches) {
    linux.focus();
  }
}

worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
  switch (data.type) {
    case 'loading':
      become('loading', `Loading ${Math.round(100 * data.part)} %`);
      break;
    case 'booting':
      become('loading', 'Starting Linux');
      void look();
      break;
    case 'up':
      up(data.ms);
      break;
    case 'unable':
      refuse('Linux cannot run here', data.why);
      break;
    case 'console':
      printed(data.bytes);
      break;
    case 'output':
      screen.print(data.bytes, data.error);
      break;
    case 'ended':
      end(data);
      break;
    case 'kept':
      break;
  }
});
worker.addEventListener('error', ({ message }) => {
  refuse('Linux has stopped', message || 'no worker started');
});
files.lend(worker);

// Programs

function choose(chosen: Suggested): void {
  program = chosen;
  element('prompt').textContent = chosen.id;
  field.value = '';
  field.placeholder = chosen.examples[0]?.arguments ?? '';
  const buttons = chosen.examples.map((example) => {
    const shown = example.label ?? example.arguments;
    const made = make('button', { type: 'button', title: example.arguments }, shown);
    made.addEventListener('click', () => void run(example));
    return made;
  });
  element('examples').replaceChildren(...buttons);
  allow(false);
  void prepare();
}

/** Whether a program can be run. */
function allow(allowed: boolean): void {
  button.disabled = !allowed;
  for (const example of element('examples').querySelectorAll('button')) {
    example.disabled = !allowed;
  }
}

/** Fetches the chosen program, if it is not there. */
async function prepare(): Promise<void> {
  const { id, title } = program;
  const report = element('ended');
  if (!shelf || document.body.dataset.state !== 'ready' || ended) {
    return;
  }
  if (!shelf.get(id)) {
    report.textContent = `Loading ${title}: ${format.size(shelf.size(id))}, which the browser keeps`;
    try {
      await shelf.load(id, () => {});
    } catch (error) {
      report.textContent = `${title} could not be loaded: ${(error as Error).message}`;
      return;
    }
    report.textContent = '';
  }
  if (program.id === id && !ended) {
    allow(true);
  }
}

async function run({ arguments: line, stdin = '' }: Example): Promise<void> {
  const { id } = program;
  const ready = shelf?.get(id);
  if (!ready || ended) {
    return;
  }
  field.value = line;
  let argv: string[];
  try {
    argv = [id, ...words(line)];
  } catch (error) {
    element('ended').textContent = `Not run: ${(error as Error).message}`;
    return;
  }
  ended = Promise.withResolvers();
  allow(false);
  document.body.dataset.running = '';
  screen.say(`$ ${id} ${line}`.trimEnd(), '1;36');
  const { environment } = screen;
  // None of these is a component.
  const module = ready.program as WebAssembly.Module;
  tell({ type: 'program', module, files: ready.files, argv, environment, stdin });
  await ended.promise;
  ended = undefined;
  await Promise.all([look(), screen.shown()]);
  delete document.body.dataset.running;
  allow(true);
}

function end({ exitCode, ms, failure }: Extract<FromWorker, { type: 'ended' }>): void {
  if (failure !== undefined) {
    screen.say(failure, '31');
  }
  const code = make('b', { className: exitCode === 0 ? '' : 'bad' }, `exit ${exitCode}`);
  element('ended').replaceChildren(code, ` after ${format.duration(ms)}`);
  ended?.resolve();
}

function offer(): void {
  const made = commands.map((command) => {
    const made = make('button', { type: 'button', disabled: true }, command);
    made.addEventListener('click', () => {
      type(`${command}\n`);
      linux.focus();
    });
    return made;
  });
  element('commands').append(...made);
  for (const suggested of programs) {
    const input = make('input', { type: 'radio', name: 'program', value: suggested.id });
    input.checked = suggested === program;
    input.addEventListener('change', () => choose(suggested));
    element('programs').append(make('label', {}, input, suggested.title));
  }
  choose(program);
}

linux.onData(type);
linux.onBinary((data) => {
  tell({ type: 'typed', bytes: Uint8Array.from(data, (char) => char.charCodeAt(0)) });
});
linux.onResize(({ cols, rows }) => tell({ type: 'resize', columns: cols, rows }));
// Tab is the shell's here; with Shift it leaves the terminal.
linux.attachCustomKeyEventHandler((event) => !(event.key === 'Tab' && event.shiftKey));

element('command').addEventListener('submit', (event) => {
  event.preventDefault();
  void run({ arguments: field.value.trim() || field.placeholder });
});
element('clear').addEventListener('click', () => screen.clear());

async function start(): Promise<void> {
  offer();
  const response = await fetch('linux.json');
  if (!response.ok) {
    refuse('There is no Linux', "The server was started without it: 'cargo xtask demo --linux'");
    return;
  }
  const machine = (await response.json()) as Offer;
  if (!machine.state) {
    linux.write('Linux boots, which takes a minute.\r\n');
  }
  tell({ type: 'start', offer: machine, columns: linux.cols, rows: linux.rows });
  try {
    shelf = await Shelf.look();
  } catch (error) {
    element('ended').textContent = `The programs could not be listed: ${(error as Error).message}`;
  }
  await prepare();
}

void start();
