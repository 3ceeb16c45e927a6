// The words of a command line, whatever the command.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

import { parseMount } from '../mount.js';
import { ENGINES, type Engine } from './engines.js';

/** Wrong use of the command line: shown without more ado. */
export class UsageError extends Error {}

/** Takes options and other words apart. */
export function parse<T extends ParseArgsOptionsConfig>(args: string[], options: T, help = '') {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    const [message] = (error as Error).message.split('. ');
    throw new UsageError(`${message}; try 'wasi-opfs ${help}--help'`);
  }
}

/** The engine that `--browser` names. */
export function engineOf(name = 'chromium'): Engine {
  const engine = ENGINES.find((engine) => engine === name);
  if (engine === undefined) {
    throw new UsageError(`--browser is ${ENGINES.join(' or ')}, not '${name}'`);
  }
  return engine;
}

type Pair = [string, string];

/** In two, at the first `=`. */
export function cutFirst(text: string): Pair | undefined {
  const at = text.indexOf('=');
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : undefined;
}

/** In two, at the last `=`. */
export function cutLast(text: string): Pair | undefined {
  const at = text.lastIndexOf('=');
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : undefined;
}

/** What an option that is given several times says, by name. */
export function record(
  option: string,
  form: string,
  values: readonly string[] | undefined,
  cut: (text: string) => Pair | undefined,
): Record<string, string> {
  const pairs = (values ?? []).map((text) => {
    const pair = cut(text);
    if (!pair || (pair[1] === '' && option !== '--env')) {
      throw new UsageError(`${option} wants ${form}, not '${text}'`);
    }
    return pair;
  });
  const keys = pairs.map(([key]) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) {
    throw new UsageError(`${option} is given twice for '${twice}'`);
  }
  return Object.fromEntries(pairs);
}

/** Refuses what is no mount of this runner. */
export function checkMounts(mounts: Record<string, string>): void {
  for (const [guest, mount] of Object.entries(mounts)) {
    const { kind, name } = parseMount(mount);
    if ((kind as string) === 'dir') {
      throw new UsageError(
        `'${mount}' is for the native runner; here, use volume:NAME and --import`,
      );
    }
    const known = ['volume', 'tree', 'memory'].includes(kind);
    if (!known || (kind !== 'memory' && name === '')) {
      throw new UsageError(
        `'${mount}' (for '${guest}') is no mount; use volume:NAME, tree:NAME or memory`,
      );
    }
  }
}
