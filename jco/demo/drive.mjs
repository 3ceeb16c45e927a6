// Drives the page as somebody would, says what it sees, and stops at the first thing
// that is not as it should be.

import { strict as assert } from 'node:assert';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { start } from '../dist/run/engines.js';

/** How long one program may take; the machine may be busy. */
const PATIENCE = 60_000;

class Driver {
  #page;
  /** What the page complained of. */
  complaints = [];

  constructor(page) {
    this.#page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.complaints.push(message.text());
      }
    });
  }

  async ready() {
    await this.#page.waitForSelector('body:is([data-state=ready], [data-state=unable])');
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

  async choose(title) {
    await this.#clickText('#programs', title);
  }

  /**
   * Runs the chosen program and reads the terminal; the lines that it printed.
   * @param {string} line
   * @param {{ exit?: number, types?: string }} [how]
   */
  async run(line, { exit = 0, types } = {}) {
    const page = this.#page;
    await this.#click('#clear');
    await page.locator('#arguments').fill(line);
    await page.focus('#arguments');
    await page.keyboard.press('Enter');
    if (types !== undefined) {
      await this.#shows('body', 'Waiting for input', false);
      await page.keyboard.type(types);
      await page.keyboard.down('Control');
      await page.keyboard.press('d');
      await page.keyboard.up('Control');
    }
    return this.#ran(exit);
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
    const texts = (rows) => rows.map((row) => row.innerText);
    const shown = await page.$$eval('.xterm-rows > div', texts);
    // Lines of the terminal keep the blanks up to their end as no-break spaces.
    const lines = shown.map((text) => text.replaceAll('\u00a0', ' ').trimEnd()).filter(Boolean);
    const program = await this.#text('#prompt');
    const line = await page.$eval('#arguments', (input) => input.value);
    const echo = `$ ${program} ${line}`;
    const printed = lines.slice(lengthOf(echo, lines));
    [echo, ...printed.map((text) => `    ${text}`)].forEach(say);
    assert.match(ended, new RegExp(`^exit ${exit}\\b`), `'${echo}' ended with '${ended}'`);
    return printed;
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

/** @param {number} port @param {string | undefined} screenshot */
export async function drive(port, screenshot) {
  const browser = await start('chromium');
  try {
    const page = await browser.open('about:blank');
    await page.setViewport({ width: 1280, height: 800 });
    const driver = new Driver(page);
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
  if (screenshot !== undefined) {
    await driver.picture(screenshot);
  }
  await driver.close();

  await driver.choose('coreutils');
  await driver.run('rm -r garden orchard plants.db test.db');
  const left = (await driver.files()).filter((path) => path !== 'tmp');
  assert.deepEqual(left, [], 'files after they were removed');
}
