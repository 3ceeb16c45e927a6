// Starts a real browser, Chromium or Firefox, on a profile on disk, and takes it down
// again. Both are driven through one library: Chromium over its own protocol, Firefox
// over WebDriver BiDi.

import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import puppeteer from 'puppeteer-core';

export const ENGINES = ['chromium', 'firefox'];

const PROGRAMS = {
  chromium: {
    variable: 'CHROME',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    packaged: 'chromium',
  },
  firefox: { variable: 'FIREFOX', names: ['firefox-esr', 'firefox'], packaged: 'firefox-esr' },
};

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// A clock that can measure, and nobody called home.
const FIREFOX_PREFERENCES = {
  'privacy.reduceTimerPrecision': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
};

/** The engine's program: the one its variable names, or one on the PATH. */
function executable(engine) {
  const { variable, names, packaged } = PROGRAMS[engine];
  if (process.env[variable]) {
    return process.env[variable];
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) {
    throw new Error(
      `no ${engine} was found: install it ('apt-get install ${packaged}'), or set ${variable}`,
    );
  }
  return found;
}

/** Kills a browser with all its processes at once: it leads a group of them. */
async function killAll(child) {
  if (process.platform === 'win32') {
    child.kill('SIGKILL');
    return;
  }
  // Until none is left: a process that is on its way out has its files open.
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Starts an engine. `profile` is a folder that is kept; without one, a fresh profile is
 * made and removed. Everything stored belongs to the origin, so whoever comes back to a
 * profile has to serve at the same port.
 *
 * The answer: `version`; `pid`, the browser's process; `open(url, line)`, a page, whose
 * console is told to `line` by the line; `kill()`, as if the machine's owner had lost
 * patience; `close()`. A page has puppeteer's methods: `evaluate`, `goto`, `workers`.
 */
export async function start(engine, { profile, preferences = {} } = {}) {
  const executablePath = executable(engine);
  const folder = profile ?? (await mkdtemp(join(tmpdir(), 'wasi-opfs-profile-')));
  await mkdir(folder, { recursive: true });
  const remove = async () => {
    if (profile === undefined) {
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  };
  let browser;
  try {
    browser = await puppeteer.launch({
      browser: engine === 'chromium' ? 'chrome' : 'firefox',
      executablePath,
      headless: true,
      userDataDir: folder,
      // A page may be busy for longer than any limit of the protocol's.
      protocolTimeout: 0,
      ...(engine === 'chromium'
        ? { args: CHROMIUM_FLAGS }
        : { extraPrefsFirefox: { ...FIREFOX_PREFERENCES, ...preferences } }),
    });
  } catch (error) {
    await remove();
    const [line] = error.message.split('\n');
    throw new Error(`the browser ${executablePath} did not start: ${line}`);
  }
  const child = browser.process();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    engine,
    version: await browser.version(),
    pid: child.pid,
    async open(url, line = () => {}) {
      const page = await browser.newPage();
      page.on('console', (message) => line(message.text()));
      page.on('pageerror', (error) => line(String(error?.stack ?? error)));
      await page.goto(url);
      return page;
    },
    async kill() {
      await killAll(child);
      await ended;
      await remove();
    },
    async close() {
      await browser.close().catch(() => child.kill('SIGKILL'));
      await remove();
    },
  };
}
