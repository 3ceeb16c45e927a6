// Drives the page with Linux as somebody would, says what it sees, and stops at the first
// thing that is not as it should be.

import { strict as assert } from 'node:assert';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { start } from '../../dist/run/engines.js';

/** How long one step may take, in milliseconds; the machine may be busy. */
const PATIENCE = 300_000;

/** What takes the keys that are pressed in Linux's console. */
const CONSOLE = '#console .xterm-helper-textarea';

class Driver {
  #browser;
  #url;
  #page;
  #commands = 0;
  /** What the page complained of. */
  complaints = [];

  constructor(browser, url) {
    this.#browser = browser;
    this.#url = url;
  }

  /** Opens the page, in a tab of its own, and waits for Linux. */
  async visit() {
    const page = await this.#browser.open('about:blank');
    this.#page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.complaints.push(message.text());
      }
    });
    // High enough for what commands print.
    await page.setViewport({ width: 1280, height: 1600 });
    await page.goto(this.#url);
    await page.waitForSelector('body:is([data-state=ready], [data-state=unable])');
    const state = await this.#text('#state');
    assert.equal(state, 'Ready', `the state of the page: ${await this.#text('#notice')}`);
    await this.#prompted();
    say(`Linux is up: ${await this.#text('#machine')}`);
  }

  /** Ends the tab as a crash does: nothing in it is told. */
  async crash() {
    const closed = new Promise((resolve) => this.#page.once('error', resolve));
    // The tab is gone before it could answer.
    this.#page.goto('chrome://crash').catch(() => {});
    await closed;
    await this.#page.close();
    say('the tab has crashed');
  }

  async #text(selector) {
    return this.#page.$eval(selector, (element) => element.innerText);
  }

  async #lines(terminal) {
    const texts = (rows) => rows.map((row) => row.textContent);
    const shown = await this.#page.$$eval(`${terminal} .xterm-rows > div`, texts);
    return shown.map((text) => text.replaceAll('\u00a0', ' ').trimEnd()).filter(Boolean);
  }

  /** Waits until what a terminal was given can be seen. */
  async #painted() {
    await this.#page.evaluate(async () => {
      for (let frame = 0; frame < 3; frame += 1) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    });
  }

  /** Waits for the prompt of Linux, behind this line. */
  async #prompted(before = '') {
    await this.#page.waitForFunction(
      (before) => {
        const rows = [...document.querySelectorAll('#console .xterm-rows > div')];
        const shown = rows.map((row) => row.textContent.replaceAll('\u00a0', ' ').trim());
        const lines = shown.filter(Boolean);
        return lines.at(-1)?.match(/^linux:\S+#$/) && lines.at(-2)?.startsWith(before);
      },
      { polling: 100 },
      before,
    ).catch(async (error) => {
      const shown = (await this.#lines('#console')).join('\n');
      throw new Error(`${error.message}; the console shows\n${shown}`);
    });
  }

  /** Has Linux run a command; the lines that it printed, which are fewer than the console has. */
  async linux(command, exit = 0) {
    await this.#page.focus(CONSOLE);
    // What the command before has left on the console is not taken for this one's.
    const number = (this.#commands += 1);
    await this.#page.keyboard.type(`clear; ${command}; echo "[$? ${number}]"\n`);
    await this.#prompted(`[${exit} ${number}]`);
    const lines = (await this.#lines('#console')).slice(0, -2);
    [`linux# ${command}`, ...lines.map((line) => `    ${line}`)].forEach(say);
    return lines;
  }

  /** Types without waiting for anything. */
  async type(command) {
    await this.#page.focus(CONSOLE);
    await this.#page.keyboard.type(`${command}\n`);
    say(`linux# ${command}`);
  }

  /** Runs a program; the lines that it printed. */
  async program(title, line, exit = 0) {
    const page = this.#page;
    await page.locator(`#programs label ::-p-text(${title})`).click();
    await page.waitForSelector('#run:enabled');
    await page.locator('#clear').click();
    await page.locator('#arguments').fill(line);
    await page.focus('#arguments');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body:not([data-running]) #run:enabled');
    await this.#painted();
    const lines = await this.#lines('#terminal');
    const ended = await this.#text('#ended');
    const echo = `$ ${await this.#text('#prompt')} ${line}`;
    const rest = lines.slice(lengthOf(echo, lines));
    [echo, ...rest.map((text) => `    ${text}`)].forEach(say);
    assert.match(ended, new RegExp(`^exit ${exit}\\b`), `'${line}' ended with '${ended}'`);
    return rest;
  }

  /** The paths that the page shows, once one of them is there. */
  async files(awaited) {
    await this.#page.waitForSelector(`#tree [data-path="${awaited}"]`);
    const path = (rows) => rows.map((row) => row.dataset.path);
    return this.#page.$$eval('#tree [data-path]', path);
  }

  async picture(file, { width = 1280, height = 900, dark = false } = {}) {
    await mkdir(dirname(file), { recursive: true });
    const scheme = { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' };
    await this.#page.emulateMediaFeatures([scheme]);
    await this.#page.setViewport({ width, height });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await this.#page.screenshot({ path: file });
    say(`wrote ${file}`);
  }
}

function say(line) {
  console.log(line);
}

/** How many lines an echo takes up: the terminal breaks long ones where it pleases. */
function lengthOf(echo, lines) {
  const dense = (text) => text.replaceAll(' ', '');
  let length = 1;
  while (length < lines.length && dense(lines.slice(0, length).join('')) !== dense(echo)) {
    length += 1;
  }
  return length;
}

/** One after the other, what each of both does, and whether the other sees it. */
async function bothWays(driver) {
  await driver.linux('echo "a letter from Linux" > letter.txt');
  assert.deepEqual(await driver.program('coreutils', 'cat /mnt/letter.txt'), [
    'a letter from Linux',
  ]);
  await driver.program(
    'Python',
    `-c "open('/mnt/answer.txt', 'w').write('an answer from Python\\n')"`,
  );
  assert.deepEqual(await driver.linux('cat answer.txt'), ['an answer from Python']);

  // Renamed and removed by the one, gone for the other: whatever its caches held.
  await driver.program('coreutils', 'mv /mnt/letter.txt /mnt/read.txt');
  assert.deepEqual(await driver.linux('ls'), ['answer.txt  read.txt']);
  await driver.linux('mv answer.txt answered.txt && mkdir -p done && mv read.txt done');
  const listed = await driver.program('coreutils', 'ls /mnt /mnt/done');
  assert.deepEqual(listed, ['/mnt:', 'answered.txt  done', '/mnt/done:', 'read.txt']);
  await driver.program('coreutils', 'rm -r /mnt/done');
  const gone = await driver.linux('cat done/read.txt', 1);
  assert.deepEqual(gone, ["cat: can't open 'done/read.txt': No such file or directory"]);
  await driver.linux('rm answered.txt');
  const missing = await driver.program('coreutils', 'cat /mnt/answered.txt', 1);
  assert.deepEqual(missing, ['cat: /mnt/answered.txt: No such file or directory']);

  // Through a file that the other has open.
  await driver.linux('exec 3< /dev/null; echo one > growing; exec 3< growing; cat <&3');
  await driver.program('Python', `-c "open('/mnt/growing', 'a').write('two\\n')"`);
  assert.deepEqual(await driver.linux('cat <&3; exec 3<&-'), ['two'], 'what was added');
}

const FRUIT = ['apple', 'fig', 'pear'];

async function firstVisit(driver) {
  const kernel = await driver.linux('uname -sr');
  assert.match(kernel[0], /^Linux 6\./, 'the kernel');
  const [mounted] = await driver.linux("mount | grep ' /mnt '");
  assert.match(mounted, /^host9p on \/mnt type 9p .*aname=\/mnt/, 'the mount');
  await driver.linux('rm -rf /mnt/*');
  await bothWays(driver);
  await driver.linux('mkdir -p garden/beds; ln -s fruit.txt garden/link');
  await driver.linux(`printf '%s\\n' ${FRUIT.join(' ')} > garden/fruit.txt`);
  await driver.linux('touch -d "2001-02-03 04:05:06" garden/beds; chmod 640 garden/fruit.txt');
  await driver.linux(
    'for i in $(seq 200); do echo "plant $i" > garden/beds/$i; done; sync garden/beds/200; sync',
  );
  // What is not synced may be lost; what is, not.
  await driver.type('while true; do echo more >> unsynced; done');
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

async function secondVisit(driver) {
  assert.deepEqual(await driver.linux('cat garden/fruit.txt'), FRUIT);
  assert.deepEqual(await driver.linux('cat garden/link | head -n 1; readlink garden/link'), [
    'apple',
    'fruit.txt',
  ]);
  const [mode] = await driver.linux('stat -c %a garden/fruit.txt');
  assert.equal(mode, '640', 'the mode of a file');
  const [time] = await driver.linux('stat -c %y garden/beds | cut -c 1-19');
  assert.ok(time >= '2001', 'the time of a directory');
  const [count] = await driver.linux('cat garden/beds/* | wc -l');
  assert.equal(count, '200', 'how many files were synced');
  assert.deepEqual(await driver.program('coreutils', 'sort -r /mnt/garden/link'), [
    ...FRUIT.toReversed(),
  ]);
  const sum = `-c "import os; print(len(os.listdir('/mnt/garden/beds')))"`;
  assert.deepEqual(await driver.program('Python', sum), ['200']);
  const shown = await driver.files('garden/fruit.txt');
  assert.ok(shown.includes('garden/beds/200'), 'the page shows what Linux has written');
  await driver.linux('rm -r garden/beds unsynced; mkdir garden/beds; df -h /mnt');
  await driver.linux('uname -a; ls -l / /mnt/garden');
}

/**
 * @param {number} port
 * @param {string} [screenshot]
 */
export async function driveLinux(port, screenshot) {
  const browser = await start('chromium');
  try {
    const driver = new Driver(browser, `http://localhost:${port}/linux.html`);
    await driver.visit();
    await firstVisit(driver);
    await driver.crash();
    await driver.visit();
    await secondVisit(driver);
    if (screenshot !== undefined) {
      await driver.picture(screenshot);
      const variant = (name) => screenshot.replace(/(\.png)?$/, `-${name}.png`);
      await driver.picture(variant('dark'), { dark: true });
      await driver.picture(variant('narrow'), { width: 420, height: 1400 });
    }
    assert.deepEqual(driver.complaints, [], 'the page complained');
    say('all of it happened');
  } finally {
    await browser.close();
  }
}
