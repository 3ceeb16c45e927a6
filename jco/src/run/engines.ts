// A real browser, Chromium or Firefox: found, started on a profile on disk, and always
// taken down again. Both are driven through one library: Chromium over its own protocol,
// Firefox over WebDriver BiDi.

import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import type { Browser as Driven, LaunchOptions, Page } from 'puppeteer-core';

export type Engine = 'chromium' | 'firefox';

export const ENGINES: readonly Engine[] = ['chromium', 'firefox'];

/** Everything stored belongs to an origin, so it must not change with a server's port. */
export const ORIGIN = 'http://wasi-opfs.localhost';

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

/** A clock that can measure, and nobody called home. */
const FIREFOX_PREFERENCES = {
  'privacy.reduceTimerPrecision': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
};

/** How a browser is started. */
export interface StartOptions {
  /** A directory that is kept; without one, a fresh profile is made and removed. */
  profile?: string | undefined;
  /** The port of this machine that `ORIGIN` leads to. */
  port?: number;
  /** More preferences of Firefox's. */
  preferences?: Record<string, unknown>;
  /** Whoever calls takes the browser down when a signal ends this process. */
  ownSignals?: boolean;
}

export interface Browser {
  engine: Engine;
  version: string;
  /** The browser's process. */
  pid: number;
  /** A page, whose console is told to `line` by the line. */
  open(url: string, line?: (text: string) => void): Promise<Page>;
  /** As if the machine's owner had lost patience. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** The engine's program: the one its variable names, or one on the PATH. */
function executable(engine: Engine): string {
  const { variable, names, packaged } = PROGRAMS[engine];
  const named = process.env[variable];
  if (named) {
    return named;
  }
  const directories = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = names.flatMap((name) => directories.map((directory) => join(directory, name)));
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
      `no ${engine} was found: install it ('apt-get install ${packaged}'), or set ${variable} ` +
        'to its path',
    );
  }
  return found;
}

/** What leads `ORIGIN` to a port of this machine, and is needed for all else. */
function settings(engine: Engine, { port, preferences }: StartOptions): LaunchOptions {
  if (engine === 'chromium') {
    const rule = `MAP ${new URL(ORIGIN).hostname}:80 127.0.0.1:${port}`;
    const led = port === undefined ? [] : [`--host-resolver-rules=${rule}`];
    return { browser: 'chrome', args: [...CHROMIUM_FLAGS, ...led] };
  }
  // It has no such rules: the server takes the place of a proxy.
  const proxy = {
    'network.proxy.type': 1,
    'network.proxy.http': '127.0.0.1',
    'network.proxy.http_port': port,
    'network.proxy.allow_hijacking_localhost': true,
    'network.proxy.testing_localhost_is_secure_when_hijacked': true,
  };
  const led = port === undefined ? {} : proxy;
  return {
    browser: 'firefox',
    extraPrefsFirefox: { ...FIREFOX_PREFERENCES, ...led, ...preferences },
  };
}

/** Starts an engine. */
export async function start(engine: Engine, options: StartOptions = {}): Promise<Browser> {
  const executablePath = executable(engine);
  const { profile, ownSignals = false } = options;
  const { default: puppeteer } = await import('puppeteer-core');
  const directory = profile ?? (await mkdtemp(join(tmpdir(), 'wasi-opfs-profile-')));
  await mkdir(directory, { recursive: true });
  const remove = async (): Promise<void> => {
    if (profile === undefined) {
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  };
  let browser: Driven;
  try {
    browser = await puppeteer.launch({
      ...settings(engine, options),
      executablePath,
      headless: true,
      userDataDir: directory,
      handleSIGHUP: !ownSignals,
      handleSIGINT: !ownSignals,
      handleSIGTERM: !ownSignals,
      // A page may be busy for longer than any limit of the protocol's.
      protocolTimeout: 0,
    });
  } catch (error) {
    await remove();
    const [line] = (error as Error).message.split('\n');
    throw new Error(`the browser ${executablePath} did not start: ${line}`);
  }
  const child = browser.process()!;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    engine,
    version: await browser.version(),
    pid: child.pid!,
    open: (url, line) => open(browser, url, line),
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

async function open(
  browser: Driven,
  url: string,
  line: (text: string) => void = () => undefined,
): Promise<Page> {
  const page = await browser.newPage();
  page.on('console', (message) => line(message.text()));
  page.on('pageerror', (error) => line(String((error as Error | undefined)?.stack ?? error)));
  await page.goto(url);
  return page;
}

/** Kills a browser with all its processes at once: it leads a group of them. */
async function killAll(child: ChildProcess): Promise<void> {
  if (process.platform === 'win32') {
    child.kill('SIGKILL');
    return;
  }
  // Until none is left: a process that is on its way out has its files open.
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
