// The package as users have it: installed from its tarball, in folders from which no other
// package of this repository is in reach. What npm fetches is kept for the next time.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const jco = join(import.meta.dirname, '..');
const folder = join(jco, '../target/npm');

/** Runs a program to its end; what it printed, or an error with all it had to say. */
export function run(cwd, program, ...args) {
  try {
    const stdio = ['ignore', 'pipe', 'pipe'];
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}`);
  }
}

/** Packs the package; its tarball. */
export function pack() {
  mkdirSync(folder, { recursive: true });
  const name = run(jco, 'npm', 'pack', '--silent', '--pack-destination', folder).trim();
  return join(folder, name);
}

const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];

/**
 * A project called `name` in which the tarball is installed, beside what its `package.json` and
 * `package-lock.json` say: its folder.
 */
export function install(tarball, name, files) {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  const hash = createHash('sha256').update(readFileSync(tarball));
  for (const [file, contents] of Object.entries(files)) {
    writeFileSync(join(project, file), contents);
    hash.update(contents);
  }
  const stamp = join(project, 'node_modules/.installed');
  const id = hash.digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== id) {
    // Of one version there is but one tarball, npm thinks.
    rmSync(join(project, 'node_modules/wasi-opfs'), { recursive: true, force: true });
    rmSync(join(project, 'node_modules/.package-lock.json'), { force: true });
    run(project, 'npm', ...INSTALL, '--prefer-offline', tarball);
    writeFileSync(stamp, id);
  }
  return project;
}

const examples = join(jco, 'examples');

/** The examples, copied from the repository and installed: their folder. */
export function installExamples(tarball = pack()) {
  const read = (name) => readFileSync(join(examples, name), 'utf8');
  const files = Object.fromEntries(
    ['package.json', 'package-lock.json'].map((name) => [name, read(name)]),
  );
  const project = install(tarball, 'examples', files);
  for (const name of ['app', 'plain', 'vite', 'esbuild', 'webpack']) {
    rmSync(join(project, name), { recursive: true, force: true });
    cpSync(join(examples, name), join(project, name), { recursive: true });
  }
  return project;
}
