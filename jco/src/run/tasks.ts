// The command line of what is done without a program: volumes, and files of mounts.

import type { Engine } from './engines.js';
import type { FilesTask, Task, VolumeTask } from './protocol.js';
import { UsageError, checkMounts, cutFirst, engineOf, parse, record } from './words.js';

export interface TaskOptions {
  task: Task;
  engine: Engine;
  profile: string;
}

const PROFILE = `  --profile DIR           The browser's profile that has them in its OPFS, as of
                          'run --profile'.
  --browser NAME          The browser that it is of, chromium (if nothing is said) or
                          firefox.`;

const MOUNT = `  --mount GUEST=KIND:NAME Where the files are, and the name GUEST that paths have for
                          them: volume:NAME or tree:NAME, as for 'run'.
${PROFILE}`;

const HELPS = {
  volume: `Looks after volumes: whole file systems in one file of OPFS.

Usage:
  wasi-opfs volume info NAME --profile DIR [--json]
  wasi-opfs volume check NAME --profile DIR [--repair] [--json]
  wasi-opfs volume compact NAME --profile DIR [--json]

Each has a --help of its own. A missing volume is made by 'run' and 'import'.
`,
  info: `Shows which volume it is, and how full.

Usage: wasi-opfs volume info NAME --profile DIR [--json]

Options:
${PROFILE}
  --json                  Write a line of JSON.
  -h, --help              Show this.

Examples:
  wasi-opfs volume info app --profile ./profile
  wasi-opfs volume info app --profile ./profile --json

The volume is only read. live: blocks of files; dead: freed, comes back when the
volume is written next; reserved: superblocks and the log.

Exit code: 0; 1 if it cannot be opened.
`,
  check: `Checks whether a volume is whole, and repairs it.

Usage: wasi-opfs volume check NAME --profile DIR [--repair] [--json]

Options:
${PROFILE}
  --repair                Put right what is wrong; what lost its name goes to
                          '/lost+found'.
  --json                  Write the findings as a line of JSON.
  -h, --help              Show this.

Examples:
  wasi-opfs volume check app --profile ./profile
  wasi-opfs volume check app --profile ./profile --repair

Each finding is a note (nothing is wrong), repairable (nothing that was stored is
missing afterwards) or lost (a repair makes the rest whole). A repair that is
interrupted leaves the volume as it was, or repaired; make a copy of the profile
before, all the same.

Exit code: 0 if nothing is wrong, 1 if it was put right, 4 if it is left as it is, 8 if
it cannot be checked.
`,
  compact: `Gives the room of what was deleted back to the disk.

Usage: wasi-opfs volume compact NAME --profile DIR [--json]

Options:
${PROFILE}
  --json                  Write what was done as a line of JSON.
  -h, --help              Show this.

Example:
  wasi-opfs volume compact app --profile ./profile

What lies at the end is moved to free places, and the end is cut off. An interruption
or a crash leaves the volume whole, and what was moved until then stays moved.

Exit code: 0; 1 if it failed; 130 or 143 if it was interrupted.
`,
  ls: `Lists what is in mounts.

Usage: wasi-opfs ls [-l | --json] [-R] --mount GUEST=KIND:NAME --profile DIR [PATH]

PATH is what to list: a directory's entries, or the file itself; the first mount, if
there is none.

Options:
${MOUNT}
  -l, --long              Show kind and permission bits, hard links, owner, group, size,
                          and the time of the last change of the content (UTC).
  -R, --recursive         List directories in directories, too.
  --json                  Write all that is known of each as a line of JSON.
  -h, --help              Show this.

Examples:
  wasi-opfs ls --mount /=volume:app --profile ./profile
  wasi-opfs ls -lR --mount /=volume:app --profile ./profile /etc

Names come in the order of their bytes, control characters in them escaped; with --json
each line has path, kind, size, allocated, links, mode, uid, gid, the times accessed,
modified, changed and created, and for a symbolic link its target. Names that are no
UTF-8 are left out.

Exit code: 0; 1 if something cannot be listed.
`,
  cat: `Writes files of mounts to standard output.

Usage: wasi-opfs cat --mount GUEST=KIND:NAME --profile DIR PATH...

Options:
${MOUNT}
  -h, --help              Show this.

Example:
  wasi-opfs cat --mount /=volume:app --profile ./profile /etc/motd /var/log/app.log

Exit code: 0; 1 if a file cannot be read, the others are written all the same.
`,
  import: `Copies a directory or a file of this machine into mounts.

Usage: wasi-opfs import [--json] --mount GUEST=KIND:NAME --profile DIR SOURCE PATH

SOURCE is a directory, of which the content is copied, or a file. PATH is where to: a
directory, made if it is missing; for a file also its new name.

Options:
${MOUNT}
  --json                  Write what was copied as a line of JSON.
  -h, --help              Show this.

Examples:
  wasi-opfs import --mount /=volume:app --profile ./profile ./site /www
  wasi-opfs import --mount /=volume:app --profile ./profile config.json /etc/

Contents, symbolic links and the times of files come along; permission bits do not, and
each name of a hard link becomes a file. What is there already is replaced, or stays.

Exit code: 0; 1 if it failed, what was copied until then stays; 130 or 143 if it was
interrupted.
`,
  export: `Copies a directory or a file of mounts to this machine.

Usage: wasi-opfs export [--json] --mount GUEST=KIND:NAME --profile DIR PATH DESTINATION

PATH is a directory, of which the content is copied, or a file. DESTINATION is where to:
a directory, made if it is missing; for a file also its new name.

Options:
${MOUNT}
  --json                  Write what was copied as a line of JSON.
  -h, --help              Show this.

Examples:
  wasi-opfs export --mount /=volume:app --profile ./profile / ./backup
  wasi-opfs export --mount /=volume:app --profile ./profile /var/log/app.log .

Contents, symbolic links and the times of files come along; permission bits do not, and
each name of a hard link becomes a file. What is there already is replaced, or stays.

Exit code: 0; 1 if it failed, what was copied until then stays; 130 or 143 if it was
interrupted.
`,
};

const OPTIONS = {
  browser: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  profile: { type: 'string' },
} as const;

const MOUNTS = { ...OPTIONS, mount: { type: 'string', multiple: true } } as const;

type Parsed = { help: string } | { task: TaskOptions };

/** Reads what stands behind the name of a command. */
export function parseTask(
  command: 'volume' | FilesTask['verb'],
  argv: readonly string[],
): Parsed {
  return command === 'volume' ? parseVolume(argv) : parseFiles(command, argv);
}

function parseVolume([verb, ...argv]: readonly string[]): Parsed {
  switch (verb) {
    case 'info':
    case 'check':
    case 'compact':
      return parseVerb(verb, argv);
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      return { help: HELPS.volume };
    default:
      throw new UsageError(
        `there is no command 'volume ${verb}'; try 'wasi-opfs volume --help'`,
      );
  }
}

function parseVerb(verb: VolumeTask['verb'], argv: string[]): Parsed {
  const command = `volume ${verb}`;
  const repairing = verb === 'check' ? ({ repair: { type: 'boolean' } } as const) : {};
  const { values, positionals } = parse(argv, { ...OPTIONS, ...repairing }, `${command} `);
  if (values.help) {
    return { help: HELPS[verb] };
  }
  const [volume] = words(command, ['NAME'], positionals);
  const { json = false } = values;
  const repair = 'repair' in values && values.repair === true;
  const task: Task = { verb, volume: volume!, json, repair };
  return { task: { task, ...placeOf(command, values) } };
}

function parseFiles(verb: FilesTask['verb'], argv: readonly string[]): Parsed {
  const more =
    verb === 'ls'
      ? ({
          long: { type: 'boolean', short: 'l' },
          recursive: { type: 'boolean', short: 'R' },
        } as const)
      : {};
  const { values, positionals } = parse([...argv], { ...MOUNTS, ...more }, `${verb} `);
  if (values.help) {
    return { help: HELPS[verb] };
  }
  const mounts = record('--mount', 'GUEST=KIND:NAME', values.mount, cutFirst);
  checkMounts(mounts);
  const [first] = Object.keys(mounts);
  if (first === undefined) {
    throw new UsageError(`${verb} of which mount? add one, as --mount /=volume:NAME`);
  }
  const place = placeOf(verb, values);
  const { json = false } = values;
  const done = (task: FilesTask): Parsed => ({ task: { task, ...place } });
  switch (verb) {
    case 'ls': {
      const [path = first, ...stray] = positionals;
      words(verb, [], stray);
      const { long = false, recursive = false } = values as Record<string, boolean>;
      if (long && json) {
        throw new UsageError('ls takes --long or --json, not both');
      }
      return done({ verb, mounts, path, long, recursive, json });
    }
    case 'cat':
      if (positionals.length === 0) {
        throw new UsageError("which files? cat needs a PATH; try 'wasi-opfs cat --help'");
      }
      return done({ verb, mounts, paths: positionals });
    case 'import': {
      const [host, path] = words(verb, ['SOURCE', 'PATH'], positionals);
      return done({ verb, mounts, path: path!, host: host!, json });
    }
    case 'export': {
      const [path, host] = words(verb, ['PATH', 'DESTINATION'], positionals);
      return done({ verb, mounts, path: path!, host: host!, json });
    }
  }
}

/** The words that a command needs, and no more. */
function words(command: string, names: string[], found: string[]): string[] {
  const stray = found[names.length];
  if (stray !== undefined) {
    throw new UsageError(`'${stray}' is too much; try 'wasi-opfs ${command} --help'`);
  }
  const missing = names[found.length];
  if (missing !== undefined) {
    throw new UsageError(`${command} needs ${missing}; try 'wasi-opfs ${command} --help'`);
  }
  return found;
}

function placeOf(
  command: string,
  { browser, profile }: { browser?: string; profile?: string },
): Omit<TaskOptions, 'task'> {
  if (profile === undefined) {
    throw new UsageError(
      `${command} in which profile? add --profile DIR, the one of 'run --profile'`,
    );
  }
  return { engine: engineOf(browser), profile };
}
