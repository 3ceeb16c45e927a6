// A task's worker: what is done with volumes and files, without a program.

import { Filesystem } from '../../host.js';
import { parseMount } from '../../mount.js';
import { place } from '../place.js';
import { type FilesTask, type TaskOrder, FAILED, failedCode } from '../protocol.js';
import { type Counts, copyFileIn, copyFileOut, copyIn, copyOut } from './copy.js';
import { connect, output, say, tell } from './host.js';
import { list } from './list.js';
import { present } from './present.js';
import { tend } from './volume.js';

const encoder = new TextEncoder();

/** How much of a file is read at a time. */
const PIECE = 256 * 1024;

function write(text: string): void {
  output('stdout', encoder.encode(text));
}

async function obey(order: TaskOrder): Promise<number> {
  const { task, core } = order;
  if ('volume' in task) {
    await present('volume', task.volume);
    const { text, exitCode } = await tend(task, core!);
    write(`${text}\n`);
    return exitCode;
  }
  // What is imported may make them.
  for (const mount of task.verb === 'import' ? [] : Object.values(task.mounts)) {
    const { kind, name } = parseMount(mount);
    await present(kind, name);
  }
  const files = await Filesystem.open({ mounts: task.mounts, wasm: core! });
  try {
    return await use(files, task, order);
  } finally {
    files.close();
  }
}

async function use(files: Filesystem, task: FilesTask, order: TaskOrder): Promise<number> {
  switch (task.verb) {
    case 'ls':
      refuseUnmounted(task, task.path);
      await list(files, task, write);
      return 0;
    case 'cat': {
      let exitCode = 0;
      for (const path of task.paths) {
        await cat(files, task, path).catch((error: unknown) => {
          exitCode = FAILED;
          say(reason(error));
        });
      }
      return exitCode;
    }
    case 'import':
    case 'export': {
      refuseUnmounted(task, task.path);
      const counts: Counts = { files: 0, directories: 0, links: 0, bytes: 0 };
      await (task.verb === 'import' ? bring : fetchOut)(files, task.path, order, counts);
      await files.sync();
      if (task.json) {
        write(`${JSON.stringify(counts)}\n`);
      }
      return 0;
    }
  }
}

/** Says what there is instead of a path that lies in no mount. */
function refuseUnmounted({ mounts, verb }: FilesTask, path: string): void {
  const names = Object.keys(mounts);
  if (!place(names, path)) {
    throw new Error(`cannot ${verb} '${path}': no mount has it; there are '${names.join(`', '`)}'`);
  }
}

async function cat(files: Filesystem, task: FilesTask, path: string): Promise<void> {
  refuseUnmounted(task, path);
  if ((await files.stat(path)).kind === 'directory') {
    throw new Error(`cannot read '${path}': it is a directory; give the path of a file`);
  }
  const file = await files.open(path);
  try {
    const piece = new Uint8Array(PIECE);
    let at = 0;
    for (let count = file.readSync(piece, at); count > 0; count = file.readSync(piece, at)) {
      output('stdout', piece.slice(0, count));
      at += count;
    }
  } finally {
    file.closeSync();
  }
}

async function bring(
  files: Filesystem,
  path: string,
  { path: job, file }: TaskOrder,
  counts: Counts,
): Promise<void> {
  if (file?.name === undefined) {
    return copyIn(files, path, job, counts);
  }
  const there = await files.stat(path).catch(() => undefined);
  const into = path.endsWith('/') || there?.kind === 'directory';
  const to = into ? `${path}/${file.name}` : path;
  const item = { type: 'file', path: to, modified: file.modified ?? Date.now() } as const;
  return copyFileIn(files, path, item, job, counts);
}

async function fetchOut(
  files: Filesystem,
  path: string,
  { path: job, file }: TaskOrder,
  counts: Counts,
): Promise<void> {
  if ((await files.stat(path)).kind === 'directory') {
    return copyOut(files, path, job, counts);
  }
  const name = path.split('/').filter(Boolean).at(-1)!;
  return copyFileOut(files, path, file?.into ? name : '', job, counts);
}

/** What went wrong, with what this program can do about it. */
function reason(error: unknown): string {
  const { code, message = String(error) } = error as { code?: string; message?: string };
  switch (code) {
    case 'not-recoverable':
      return message.startsWith('cannot check')
        ? message
        : `${message}; 'wasi-opfs volume check' tells what is wrong with it`;
    case 'no-entry':
      return `${message}; 'wasi-opfs ls' shows what is there`;
    default:
      return message;
  }
}

addEventListener('message', ({ data }: MessageEvent<TaskOrder>) => {
  connect(data.path);
  obey(data)
    .catch((error: unknown) => {
      say(reason(error));
      return failedCode(data.task);
    })
    .then((exitCode) => tell({ type: 'done', exitCode }));
});
