// Drives the page as somebody would, says what it sees, and stops at the first thing
// that is not as it should be.

import { strict as assert } from 'node:assert';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { start } from '../dist/run/engines.js';
import { tool } from '../test/support.mjs';

/** How long one program may take; the machine may be busy. */
const PATIENCE = 60_000;

/** What takes the keys that are pressed in the terminal. */
const TERMINAL = '.xterm-helper-textarea';

class Driver {
  #page;
  /** The paths that the server was asked for. */
  #asked;
  /** What the page complained of. */
  complaints = [];

  constructor(page, asked) {
    this.#page = page;
    this.#asked = asked;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', ({ message }) => {
      // So Firefox tells of a program that is ended while it computes.
      if (message !== 'uncaught exception: undefined') {
        this.complaints.push(message);
      }
    });
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.complaints.push(message.text());
      }
    });
  }

  async ready() {
    const settled = ['ready', 'unable'].map((state) => `[data-state=${state}]`);
    await this.#page.waitForSelector(`body:is(${settled})`);
    assert.equal(await this.#text('#state'), 'Ready', 'the state of the page');
  }

  async reload() {
    await this.#page.reload();
    await this.ready();
    say(`reloaded the page: it has ${(await this.files()).length} files and directories`);
  }

  async #text(selector) {
    return this.#page.$eval(selector, (element) => element.innerText);
  }

  async #click(selector) {
    await this.#page.locator(selector).click();
  }

  /** Clicks what has this text, and no other, within `selector`. */
  async #clickText(selector, text) {
    const found = await this.#page.waitForFunction(
      (selector, text) => {
        const inside = [...document.querySelectorAll(`${selector} *`)];
        return inside.findLast((element) => element.innerText?.trim() === text);
      },
      {},
      selector,
      text,
    );
    await found.click();
  }

  /** Waits until an element's text is `text`, or holds it. */
  async #shows(selector, text, exactly = true) {
    await this.#page.waitForFunction(
      (selector, text, exactly) => {
        const shown = document.querySelector(selector)?.innerText ?? '';
        return exactly ? shown === text : shown.includes(text);
      },
      {},
      selector,
      text,
      exactly,
    );
  }

  /** Chooses a program, and waits until it is there. */
  async choose(title) {
    await this.#clickText('#programs', title);
    await this.ready();
  }

  /** How many bytes came over the network for a program. */
  async fetched(id) {
    return this.#page.evaluate((id) => {
      const loaded = performance.getEntriesByType('resource');
      const ours = loaded.filter(({ name }) => name.includes(`/programs/${id}`));
      return ours.reduce((sum, { transferSize }) => sum + transferSize, 0);
    }, id);
  }

  /**
   * Runs the chosen program and reads the terminal; the lines that it printed.
   * @param {string} line
   * @param {{ exit?: number, types?: string }} [how]
   */
  async run(line, { exit = 0, types } = {}) {
    await this.start(line);
    if (types !== undefined) {
      await this.#shows('body', 'Waiting for input', false);
      await this.#page.keyboard.type(types);
      await this.#control('d');
    }
    return this.#ran(exit);
  }

  /** Drops a file on the page, and waits until it can run. */
  async drop(name, bytes) {
    await this.#page.evaluate(
      (name, base64) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], name));
        for (const type of ['dragover', 'drop']) {
          const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector('.screen').dispatchEvent(event);
        }
      },
      name,
      Buffer.from(bytes).toString('base64'),
    );
    await this.brought(name);
  }

  /** Waits for a program of somebody's own. */
  async brought(name) {
    await this.#shows('#prompt', basename(name, '.wasm'));
    await this.ready();
    say(`brought ${name}`);
  }

  /** Chooses a file of this machine as the program. */
  async upload(file) {
    await this.#clickText('#programs', 'Your own');
    const input = await this.#page.$('#own-file');
    await input.uploadFile(file);
    await this.brought(basename(file));
  }

  /** Gives the address of a program. */
  async fetch(address) {
    await this.#page.locator('#own-address').fill(address);
    await this.#clickText('#own', 'Fetch');
    await this.brought(basename(address));
  }

  /** Where the server has a program. */
  async address(id) {
    return this.#page.evaluate(async (id) => {
      const offers = await (await fetch('programs.json')).json();
      return new URL(offers.find((offer) => offer.id === id).module.url, location.href).href;
    }, id);
  }

  /** How often what transpiles components was asked for. */
  get transpilers() {
    return this.#asked.filter((path) => path.includes('component-bindgen')).length;
  }

  /** Stops the program that runs. */
  async stop(printed) {
    await this.#shows('.xterm-rows', printed, false);
    await this.#shows('#run', 'Stop');
    await this.#click('#run');
    return this.#ran(130);
  }

  /** Starts the chosen program. */
  async start(line) {
    await this.#click('#clear');
    await this.#page.locator('#arguments').fill(line);
    await this.#page.focus('#arguments');
    await this.#page.keyboard.press('Enter');
  }

  async #control(key) {
    await this.#page.keyboard.down('Control');
    await this.#page.keyboard.press(key);
    await this.#page.keyboard.up('Control');
  }

  /** Waits for the prompt of Python; the lines above it. */
  async prompted() {
    await this.#page.waitForFunction(() => {
      const rows = [...document.querySelectorAll('.xterm-rows > div')];
      const shown = rows.map((row) => row.textContent.replaceAll('\u00a0', ' ').trim());
      return shown.findLast(Boolean) === '>>>';
    });
    await this.#shows('body', 'Waiting for input', false);
    return (await this.#lines()).slice(0, -1);
  }

  /** Types a line at the prompt of Python; the lines that it answers. */
  async enter(line) {
    const before = (await this.prompted()).length;
    await this.#page.focus(TERMINAL);
    await this.#page.keyboard.type(`${line}\n`);
    const answer = (await this.prompted()).slice(before + 1);
    [`>>> ${line}`, ...answer.map((text) => `    ${text}`)].forEach(say);
    return answer;
  }

  /** Presses Ctrl and a key in a program that waits, which ends it with this code. */
  async end(key, exit) {
    await this.#page.focus(TERMINAL);
    await this.#control(key);
    await this.#page.waitForSelector('body:not([data-state=running])');
    const ended = await this.#text('#ended');
    assert.match(ended, new RegExp(`^exit ${exit}\\b`), `it ended with '${ended}'`);
    say(`Ctrl+${key.toUpperCase()}: exit ${exit}`);
  }

  /** Runs an example; the lines that it printed. */
  async example(label) {
    await this.#click('#clear');
    await this.#clickText('#examples', label);
    return this.#ran(0);
  }

  async #ran(exit) {
    const page = this.#page;
    await page.waitForSelector('body:not([data-state=running])');
    const ended = await this.#text('#ended');
    const lines = await this.#lines();
    const program = await this.#text('#prompt');
    const line = await page.$eval('#arguments', (input) => input.value);
    const echo = `$ ${program} ${line}`;
    const printed = lines.slice(lengthOf(echo, lines));
    [echo, ...printed.map((text) => `    ${text}`)].forEach(say);
    assert.match(ended, new RegExp(`^exit ${exit}\\b`), `'${echo}' ended with '${ended}'`);
    return printed;
  }

  /** What the terminal shows. */
  async #lines() {
    const texts = (rows) => rows.map((row) => row.innerText);
    const shown = await this.#page.$$eval('.xterm-rows > div', texts);
    // Lines keep the blanks up to their end as no-break spaces.
    return shown.map((text) => text.replaceAll('\u00a0', ' ').trimEnd()).filter(Boolean);
  }

  /** The paths that the page shows. */
  async files() {
    const path = (rows) => rows.map((row) => row.dataset.path);
    return this.#page.$$eval('#tree [data-path]', path);
  }

  /** What a row shows: name, size and time. */
  async row(path) {
    const text = await this.#text(`#tree [data-path="${path}"]`);
    return text.split('\n').filter(Boolean);
  }

  /** Opens a file; what the page shows of it. */
  async open(path) {
    await this.#click(`#tree [data-path="${path}"]`);
    await this.#shows('#viewer-title', path);
    return this.#text('#content');
  }

  /** Closes the file that is open. */
  async close() {
    await this.#click('#close');
    await this.#page.waitForSelector('#viewer', { hidden: true });
  }

  async picture(file) {
    await mkdir(dirname(file), { recursive: true });
    await this.#page.screenshot({ path: file });
    say(`wrote ${file}`);
  }
}

/** How many lines an echo takes up: the terminal breaks long ones where it pleases. */
function lengthOf(echo, lines) {
  const dense = (text) => text.replaceAll(' ', '');
  const whole = dense(echo);
  let length = 1;
  while (length < lines.length && dense(lines.slice(0, length).join('')) !== whole) {
    length += 1;
  }
  return length;
}

function say(line) {
  console.log(line);
}

function holds(list, part, what) {
  for (const one of part) {
    assert.ok(list.includes(one), `${what}: '${one}' is not in [${list.join(', ')}]`);
  }
}

/**
 * @param {'chromium' | 'firefox'} engine
 * @param {{ port: number, asked: string[] }} server
 * @param {string} [screenshot]
 */
export async function drive(engine, { port, asked }, screenshot) {
  const browser = await start(engine);
  try {
    const page = await browser.open('about:blank');
    await page.setViewport({ width: 1280, height: 800 });
    const driver = new Driver(page, asked);
    await page.goto(`http://localhost:${port}/`);
    await driver.ready();
    const isolated = await page.evaluate(() => crossOriginIsolated);
    assert.equal(isolated, false, 'whether the page came with cross-origin headers');
    say(`the page is ready in ${browser.version}`);
    await firstVisit(driver);
    await driver.reload();
    await secondVisit(driver, screenshot);
    assert.deepEqual(driver.complaints, [], 'the page complained');
    say('all of it happened');
  } finally {
    await browser.close();
  }
}

const FRUIT = 'pear\napple\nquince\nfig\n';
const NOTE = 'the fig ripens in August';

async function firstVisit(driver) {
  assert.deepEqual(await driver.files(), [], 'files before the first run');
  await driver.choose('coreutils');
  await driver.run('mkdir -p garden/beds/north');
  await driver.run('tee garden/fruit.txt', { types: FRUIT });
  const kept = await driver.run('cat garden/fruit.txt');
  assert.deepEqual(kept, FRUIT.trim().split('\n'), 'what was typed');
  await driver.run('cp -r garden orchard');
  await driver.run('mv orchard/fruit.txt orchard/best.txt');
  const missing = await driver.run('cat orchard/fruit.txt', { exit: 1 });
  assert.deepEqual(missing, ['cat: orchard/fruit.txt: No such file or directory']);
  holds(
    await driver.files(),
    ['garden/beds/north', 'garden/fruit.txt', 'orchard/beds/north', 'orchard/best.txt'],
    'files after the first run',
  );
  const [name, size, time] = await driver.row('orchard/best.txt');
  assert.deepEqual([name, size], ['best.txt', '22 B'], 'the row of a file');
  assert.match(time, /\d:\d\d/, 'the time of a file');

  await driver.choose('SQLite');
  await driver.run(
    'plants.db "CREATE TABLE plants (name TEXT, height REAL);' +
      " INSERT INTO plants VALUES ('fig', 4.5), ('pear', 12), ('quince', 5)\"",
  );
  holds(await driver.files(), ['plants.db'], 'files after a table was created');

  await driver.choose('Python');
  assert.ok((await driver.fetched('python')) > 4e6, 'Python came when it was chosen');
  await driver.start('');
  const [, banner] = await driver.prompted();
  assert.match(banner, /^Python 3\.\d+\.\d+ .* on wasi$/, 'the first line of Python');
  assert.deepEqual(await driver.enter('6 * 7'), ['42']);
  const write = `open('garden/note.txt', 'w', encoding='utf-8').write('${NOTE}\\n')`;
  assert.deepEqual(await driver.enter(write), ['25'], 'how much was written');
  assert.equal(await driver.open('garden/note.txt'), `${NOTE}\n`, 'the note, while Python waits');
  await driver.close();
  await driver.end('d', 0);

  await driver.choose('coreutils');
  assert.deepEqual(await driver.run('cat garden/note.txt'), [NOTE], 'what Python wrote');
  await driver.choose('PHP');
  const written = await driver.example('write a file');
  assert.equal(written.at(-1), '51 bytes', 'what PHP printed');
  await driver.choose('ripgrep');
  const found = await driver.run('--line-number ripens garden');
  assert.deepEqual(found, ['garden/note.txt', `1:${NOTE}`], 'what ripgrep found');
  await brought(driver);
}

const NO_PROGRAM = 'this is no program';

/** What somebody brings: a component, which is transpiled on the page, and others. */
async function brought(driver) {
  const component = tool();
  const before = driver.transpilers;
  await driver.drop('tool.wasm', await readFile(component));
  assert.deepEqual(await driver.run('count visits'), ['1'], 'a component');
  assert.ok(driver.transpilers > before, 'the transpiler was loaded');
  const transpilers = driver.transpilers;
  const input = { types: 'one\ntwo\n' };
  const echoed = await driver.run('echo', input);
  // Who types does not wait for the answers.
  assert.match(echoed.join(' '), /> one.*> two/, 'a component that waits');
  await driver.run('exit 1', { exit: 1 });
  const trapped = await driver.run('panic', { exit: 134 });
  assert.match(trapped.join(' '), /as was asked.*the program trapped/, 'a component that traps');
  await driver.start('sync-and-spin visits.txt kept');
  await driver.stop('spinning');
  assert.deepEqual(await driver.run('cat visits.txt'), ['kept'], 'what an endless program synced');
  assert.equal(driver.transpilers, transpilers, 'a transpiled component is kept');
  await driver.drop('note.wasm', Buffer.from(NO_PROGRAM));
  const refused = await driver.run('', { exit: 126 });
  assert.match(refused.join(' '), /it is no WebAssembly/, 'what is no program');
  await driver.upload(tool('wasm32-wasip1'));
  assert.deepEqual(await driver.run('count visits'), ['2'], 'a module from a file');
  await driver.choose('coreutils');
}

/** A component after a reload. */
async function broughtAgain(driver, screenshot) {
  const before = driver.transpilers;
  await driver.drop('tool.wasm', await readFile(tool()));
  assert.deepEqual(await driver.run('count visits'), ['3'], 'a component after the reload');
  await driver.run('ls .');
  if (screenshot !== undefined) {
    await driver.picture(screenshot.replace(/(\.\w+)?$/, '-own$1'));
  }
  assert.equal(driver.transpilers, before, 'a transpiled component is kept over a reload');
  await driver.fetch(await driver.address('rg'));
  holds(await driver.run('--files'), ['visits.txt'], 'a module by its address');
  await driver.choose('coreutils');
  await driver.run('rm visits visits.txt');
}

async function secondVisit(driver, screenshot) {
  await driver.choose('coreutils');
  const listed = await driver.run('ls -l garden orchard');
  const names = listed.map((line) => line.split(/\s+/));
  assert.ok(
    names.some((words) => words.includes('22') && words.at(-1) === 'best.txt'),
    'ls -l shows best.txt with its 22 bytes',
  );
  const sorted = await driver.run('sort orchard/best.txt');
  assert.deepEqual(sorted, ['apple', 'fig', 'pear', 'quince'], 'what sort printed');
  assert.equal(await driver.open('orchard/best.txt'), FRUIT, 'the content that the page shows');

  await driver.choose('SQLite');
  const before = 'SELECT name, height FROM plants ORDER BY height DESC';
  const rows = ['pear|12.0', 'quince|5.0', 'fig|4.5'];
  assert.deepEqual(await driver.run(`plants.db "${before}"`), rows, 'rows after the reload');
  const rolled = 'BEGIN; DELETE FROM plants; SELECT count(*) FROM plants; ROLLBACK';
  const counts = await driver.run(`plants.db "${rolled}; SELECT count(*) FROM plants"`);
  assert.deepEqual(counts, ['0', '3'], 'rows within a transaction, and after its rollback');
  const framed = await driver.example('select');
  assert.deepEqual(framed[3], '│ pear   │ 12.0   │', 'a row of the example');
  const wrong = await driver.run('plants.db "SELECT * FROM animals"', { exit: 1 });
  assert.deepEqual(wrong, ['Error: no such table: animals'], 'rows of a table that is not there');
  const tested = await driver.run('--selftest test.db');
  assert.equal(tested.at(-1), 'integrity check ok', 'the last line of the self-test');
  assert.match(await driver.open('plants.db'), /^000000 {2}53 51 4c 69/, 'the bytes shown');
  await driver.close();

  await broughtAgain(driver, screenshot);
  await python(driver);
  await driver.start('');
  await driver.open('garden/note.txt');
  await driver.enter('from pathlib import Path');
  const counted = await driver.enter("{p.name: p.stat().st_size for p in Path('herbs').iterdir()}");
  assert.match(counted.join(''), /'mint': 16/, 'the size of a file');
  await driver.enter("print(Path('garden/note.txt').read_text().upper())");
  if (screenshot !== undefined) {
    await driver.picture(screenshot);
  }
  await driver.end('c', 130);
  await driver.close();

  await driver.choose('coreutils');
  await driver.run('rm -r garden orchard herbs herbs.zip plants.db test.db trees.json');
  assert.deepEqual(await driver.files(), [], 'files after they were removed');
}

/** What Python does with the files, after a reload. */
async function python(driver) {
  await driver.choose('Python');
  assert.equal(await driver.fetched('python'), 0, 'bytes of Python that came once more');
  const read = "print(open('garden/note.txt', encoding='utf-8').read(), end='')";
  assert.deepEqual(await driver.run(`-c "${read}"`), [NOTE], 'what was written before the reload');
  await driver.run('-c "raise SystemExit(3)"', { exit: 3 });
  const wrong = await driver.run('-c "open(\'missing\')"', { exit: 1 });
  const why = "FileNotFoundError: [Errno 44] No such file or directory: 'missing'";
  assert.equal(wrong.at(-1), why, 'the last line of an error');
  const [rows] = await driver.example('sqlite3');
  assert.match(rows, /\('pear', 12\.0\)/, 'the rows of a database that SQLite made');
  const herbs = ['herbs/basil', 'herbs/mint', 'herbs/sage'];
  assert.deepEqual(await driver.example('write files'), [herbs.join(' ')]);
  await driver.example('zip');
  const zipped = (await driver.example('list the zip')).slice(1);
  const names = zipped.map((line) => line.split(' ')[0]).sort();
  assert.deepEqual(names, ['herbs/', ...herbs], 'what is in the zip file');
}
