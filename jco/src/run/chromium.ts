// The browser: found, started on a profile on disk, and always taken down again.

import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import type { BrowserContext, Page } from 'playwright-core';

/** OPFS belongs to an origin, so the origin must not change with the server's port. */
export const ORIGIN = 'http://wasi-opfs.localhost';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function executable(): string {
  const named = process.env.CHROME;
  if (named) {
    return named;
  }
  const directories = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = NAMES.flatMap((name) => directories.map((directory) => join(directory, name)));
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
      `no browser was found: install Chromium ('apt-get install chromium'), or set CHROME to its path`,
    );
  }
  return found;
}

export interface Browser {
  page: Page;
  close(): Promise<void>;
}

/** Starts Chromium with the page at `path` of the server at `port`. */
export async function launch(
  port: number,
  path: string,
  profile: string | undefined,
): Promise<Browser> {
  const executablePath = executable();
  const { chromium } = await import('playwright-core');
  const directory = profile ?? (await mkdtemp(join(tmpdir(), 'wasi-opfs-profile-')));
  await mkdir(directory, { recursive: true });
  const remove = async (): Promise<void> => {
    if (profile === undefined) {
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  };
  let context: BrowserContext;
  try {
    context = await chromium.launchPersistentContext(directory, {
      executablePath,
      headless: true,
      // Ours close the browser and remove its profile.
      handleSIGHUP: false,
      handleSIGINT: false,
      handleSIGTERM: false,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--host-resolver-rules=MAP ${new URL(ORIGIN).hostname}:80 127.0.0.1:${port}`,
      ],
    });
  } catch (error) {
    await remove();
    const [line] = (error as Error).message.split('\n');
    throw new Error(`the browser ${executablePath} did not start: ${line}`);
  }
  const close = async (): Promise<void> => {
    await context.close().catch(() => undefined);
    await remove();
  };
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(`${ORIGIN}${path}`);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}
