// The page: what to run, its output, and the files that it leaves.

import { element, make } from './dom.js';
import * as format from './format.js';
import { type End, Guest, Shelf } from './guest.js';
import { receive } from './own.js';
import { type Example, type Program, own, programs } from './programs.js';
import { Screen } from './screen.js';
import { Tree } from './tree.js';
import { Viewer } from './viewer.js';
import { words } from './words.js';

/** `empty`: nothing is there that could run. */
type State = 'loading' | 'empty' | 'ready' | 'running' | 'unable';

const field = element<HTMLInputElement>('arguments');
const button = element<HTMLButtonElement>('run');
const endInput = element('end-input');

let program: Program = programs.find(({ id }) => id === localStorage.program) ?? programs[0]!;
/** What the program is called that somebody brought. */
let brought: string | undefined;
let shelf: Shelf | undefined;
let guest: Guest | undefined;

const screen = new Screen({
  line: (bytes) => guest?.type(bytes),
  end: () => guest?.type(new Uint8Array()),
  interrupt: () => guest?.stop(),
});
const viewer = new Viewer((path) => tree.select(path));
const tree = new Tree(
  (path) => void viewer.open(path),
  () => void viewer.refresh(),
);

/** Most programs end sooner: nothing is to flicker. */
const SOON = 150;
let later: ReturnType<typeof setTimeout> | undefined;

function become(state: State, text: string): void {
  document.body.dataset.state = state;
  button.disabled = state !== 'ready' && state !== 'running';
  clearTimeout(later);
  later = setTimeout(
    () => {
      const running = state === 'running';
      element('state').textContent = text;
      element('state').classList.toggle('busy', running);
      button.classList.toggle('stops', running);
      button.textContent = running ? 'Stop' : 'Run';
    },
    state === 'running' ? SOON : 0,
  );
  for (const example of element('examples').querySelectorAll('button')) {
    example.disabled = state !== 'ready';
  }
}

/** What was run before, the latest last. */
const past = {
  lines: JSON.parse(localStorage.past ?? '[]') as string[],
  at: 0,

  add(line: string): void {
    this.lines = [...this.lines.filter((other) => other !== line), line].slice(-50);
    this.at = this.lines.length;
    localStorage.past = JSON.stringify(this.lines);
  },

  go(step: number): void {
    const at = Math.min(Math.max(this.at + step, 0), this.lines.length);
    if (at !== this.at) {
      this.at = at;
      field.value = this.lines[at] ?? '';
    }
  },
};
past.at = past.lines.length;

/** Its name in front of its arguments. */
const called = (): string => (program === own ? (brought ?? '') : program.id);

function choose(chosen: Program): void {
  program = chosen;
  localStorage.program = chosen.id;
  element('prompt').textContent = called();
  element('about').textContent = chosen.about;
  element('own').hidden = chosen !== own;
  field.value = '';
  field.placeholder = chosen.examples[0]?.arguments ?? '';
  const buttons = chosen.examples.map((example) => {
    const shown = example.label ?? example.arguments;
    const made = make('button', { type: 'button', title: example.arguments }, shown);
    made.disabled = document.body.dataset.state !== 'ready';
    made.addEventListener('click', () => void run(example));
    return made;
  });
  element('examples').replaceChildren(...buttons);
  void prepare();
}

/** Sees to it that the chosen program can run, unless one does. */
async function prepare(): Promise<void> {
  const { id, title } = program;
  if (!shelf || guest) {
    return;
  }
  element('notice').hidden = true;
  const awaited = (): boolean => program.id === id && !guest;
  if (program === own && !shelf.get(id)) {
    become('empty', 'No program yet');
    report(undefined, 'Drop a .wasm file on the page, choose one, or give its address');
    return;
  }
  if (!shelf.get(id)) {
    become('loading', 'Loading');
    report(undefined, `Loading ${title}: ${format.size(shelf.size(id))}, which the browser keeps`);
    try {
      await shelf.load(id, (part) => {
        if (awaited()) {
          become('loading', `Loading ${Math.round(100 * part)} %`);
        }
      });
    } catch (error) {
      if (awaited()) {
        refuse(`${title} could not be loaded`, (error as Error).message);
      }
      return;
    }
    if (awaited()) {
      report(undefined, 'Type arguments, or take an example');
    }
  }
  if (awaited()) {
    become('ready', 'Ready');
  }
}

function offer(): void {
  for (const offered of programs) {
    const radio = make('input', { type: 'radio', name: 'program', value: offered.id });
    radio.checked = offered === program;
    radio.addEventListener('change', () => choose(offered));
    element('programs').append(make('label', {}, radio, offered.title));
  }
  choose(program);
}

/** Makes what somebody brings the chosen program. */
function awaitOwn(): void {
  const failed = (name: string, why: string): void => {
    screen.say(`${name} is not here: ${why}`, '31');
    void prepare();
  };
  receive({
    coming(name) {
      if (!guest) {
        const radio = element('programs').querySelector<HTMLInputElement>('[value=own]');
        radio!.checked = true;
        choose(own);
        become('loading', 'Loading');
        report(undefined, `Loading ${name}`);
      }
    },
    come(name, program) {
      if (guest) {
        failed(name, 'another program runs; bring it again when that has ended');
        return;
      }
      brought = name;
      shelf?.put(own.id, program);
      choose(own);
      const size = format.size(program.byteLength);
      report(undefined, `${name} has ${size}: type arguments, and run it`);
      field.focus();
    },
    failed,
  });
}

/** Says below the terminal how it is with the last run. */
function report(end: End | undefined, text = ''): void {
  const badge = make('b', { className: end?.exitCode === 0 ? '' : 'bad' });
  badge.textContent = `exit ${end?.exitCode}`;
  const parts = end ? [badge, ` in ${format.duration(end.ms)}`] : [text];
  element('ended').replaceChildren(...parts);
}

/** This hour's zone, as POSIX writes it: west of Greenwich is positive. */
function timeZone(): string {
  const west = new Date().getTimezoneOffset();
  const two = (number: number): string => String(Math.trunc(number)).padStart(2, '0');
  const hours = `${two(Math.abs(west) / 60)}:${two(Math.abs(west) % 60)}`;
  return west === 0
    ? 'UTC0'
    : `<${west < 0 ? '+' : '-'}${hours.replace(':', '')}>${west < 0 ? '-' : ''}${hours}`;
}

async function run({ arguments: line, types }: Example): Promise<void> {
  const { id, prompts = false } = program;
  const name = called();
  const ready = shelf?.get(id);
  if (!ready || guest) {
    return;
  }
  field.value = line;
  let argv: string[];
  try {
    argv = [name, ...words(line)];
  } catch (error) {
    report(undefined, `Not run: ${(error as Error).message}`);
    return;
  }
  past.add(line);
  screen.say(`$ ${name} ${line}`.trimEnd(), '1;36');
  screen.takes(true);
  become('running', 'Running');
  report(undefined, 'Running');
  const environment = { ...screen.environment, TZ: timeZone() };
  guest = new Guest(
    { type: 'order', ...ready, argv, environment },
    {
      output: (bytes, error) => screen.print(bytes, error && !prompts),
      transpiling: () => {
        become('running', 'Transpiling');
        report(undefined, 'Transpiling the component with jco; the browser keeps what is made');
      },
      running: () => {
        become('running', 'Running');
        report(undefined, 'Running');
      },
      reading: () => {
        void look();
        screen.focus();
        endInput.hidden = false;
        report(undefined, 'Waiting for input: type in the terminal, Ctrl+D ends it');
      },
    },
  );
  if (types !== undefined) {
    screen.paste(`${types}\x04`);
  }
  const end = await guest.end;
  guest = undefined;
  endInput.hidden = true;
  screen.takes(false);
  if (end.failure) {
    screen.say(end.failure, '31');
  }
  report(end);
  if (document.activeElement?.closest('#terminal')) {
    field.focus();
  }
  await Promise.all([look(), screen.shown()]);
  await prepare();
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

/** What this browser lacks. */
async function lacks(): Promise<string | undefined> {
  if (!isSecureContext) {
    return 'The page has to come over https, or from localhost.';
  }
  if (!('Suspending' in WebAssembly)) {
    return (
      'This browser has no JavaScript Promise Integration (JSPI), with which a program waits ' +
      'for input. Use Chromium, Chrome or Edge 137, Firefox 153, or newer.'
    );
  }
  try {
    await navigator.storage.getDirectory();
  } catch {
    return (
      'This browser gives the page no origin private file system (OPFS). A private window or ' +
      'blocked site data may be the reason.'
    );
  }
  return undefined;
}

function refuse(what: string, why: string): void {
  element('notice').replaceChildren(make('strong', {}, what), why);
  element('notice').hidden = false;
  become('unable', 'Cannot run');
}

element('command').addEventListener('submit', (event) => {
  event.preventDefault();
  if (guest) {
    guest.stop();
  } else {
    void run({ arguments: field.value.trim() || field.placeholder });
  }
});

field.addEventListener('keydown', (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step !== undefined) {
    event.preventDefault();
    past.go(step);
  } else if (event.key === 'c' && event.ctrlKey && field.selectionStart === field.selectionEnd) {
    guest?.stop();
  }
});

endInput.addEventListener('click', () => guest?.type(new Uint8Array()));
element('clear').addEventListener('click', () => screen.clear());
// Another tab may have changed the files.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && document.body.dataset.state === 'ready') {
    void look();
  }
});

async function start(): Promise<void> {
  offer();
  await look();
  const lacking = await lacks();
  if (lacking !== undefined) {
    refuse('The programs cannot run here', lacking);
    return;
  }
  try {
    shelf = await Shelf.look();
  } catch (error) {
    refuse('The programs could not be listed', (error as Error).message);
    return;
  }
  awaitOwn();
  const { files, bytes } = tree.amount;
  screen.say(
    files > 0
      ? `${format.count(files, 'file')} from before (${format.size(bytes)}) in OPFS.`
      : 'Programs find their files in OPFS under /, and those in memory under /tmp.',
  );
  await Promise.all([prepare(), screen.shown()]);
  // Where there is no keyboard, one would come up.
  if (matchMedia('(pointer: fine)').matches) {
    field.focus({ preventScroll: true });
  }
}

void start();
