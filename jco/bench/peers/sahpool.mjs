// SQLite on its pool of access handles: a row for each small file, and rows of blocks for
// the large one. Each call is a transaction of its own. None flushes: the others do not.

import sqlite3InitModule from '@sqlite.org/sqlite-wasm';

import { BLOCK } from '../content.mjs';

const SCHEMA = `
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS file (
    directory TEXT, name TEXT, bytes BLOB, PRIMARY KEY (directory, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (path TEXT, number INTEGER, bytes BLOB,
    PRIMARY KEY (path, number));
`;

const STATEMENTS = {
  write: 'INSERT OR REPLACE INTO file VALUES (?, ?, ?)',
  read: 'SELECT bytes FROM file WHERE directory = ? AND name = ?',
  size: 'SELECT length(bytes) FROM file WHERE directory = ? AND name = ?',
  list: 'SELECT name FROM file WHERE directory = ?',
  entries: 'SELECT name, bytes IS NULL FROM file WHERE directory = ?',
  rename: 'UPDATE file SET directory = ?, name = ? WHERE directory = ? AND name = ?',
  unlink: 'DELETE FROM file WHERE directory = ? AND name = ?',
  writeBlock: 'INSERT OR REPLACE INTO block VALUES (?, ?, ?)',
  readBlocks: 'SELECT bytes FROM block WHERE path = ? AND number >= ? AND number < ?',
};

let sqlite;
let pool;
let database;
let statements;

function cut(path) {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

/** Runs a statement to its end; what `column` makes of each row. */
function run(name, values, row) {
  const statement = statements[name];
  try {
    statement.bind(values);
    const rows = [];
    while (statement.step()) {
      rows.push(row(statement));
    }
    return rows;
  } finally {
    statement.reset();
  }
}

export const peer = {
  waits: false,
  slow: true,
  async open() {
    sqlite ??= await sqlite3InitModule({ print: () => {}, printErr: () => {} });
    if (pool) await pool.unpauseVfs();
    else pool = await sqlite.installOpfsSAHPoolVfs({ initialCapacity: 6 });
    database = new pool.OpfsSAHPoolDb('/files.db');
    database.exec(SCHEMA);
    const prepared = Object.entries(STATEMENTS).map(([name, text]) => {
      return [name, database.prepare(text)];
    });
    statements = Object.fromEntries(prepared);
  },
  async close() {
    Object.values(statements).forEach((statement) => statement.finalize());
    database.close();
    pool.pauseVfs();
  },
  /** Lets its folder go, which somebody is about to remove. */
  async forget() {
    await pool.removeVfs();
    pool = undefined;
  },
  mkdir: (path) => run('write', [...cut(path), null]),
  write: (path, bytes) => run('write', [...cut(path), bytes]),
  read: (path) => run('read', cut(path), (row) => row.get(0))[0],
  stat: (path) => ({ size: run('size', cut(path), (row) => row.get(0))[0] }),
  list: (path) => run('list', [path], (row) => row.get(0)),
  entries: (path) =>
    run('entries', [path], (row) => ({ name: row.get(0), directory: row.get(1) === 1 })),
  rename: (from, to) => run('rename', [...cut(to), ...cut(from)]),
  unlink: (path) => run('unlink', cut(path)),
  file: (path) => ({
    read(into, at) {
      let read = 0;
      const first = at / BLOCK;
      run('readBlocks', [path, first, first + into.length / BLOCK], (row) => {
        const bytes = row.get(0);
        into.set(bytes, read);
        read += bytes.length;
      });
      return read;
    },
    write(from, at) {
      const blocks = from.length / BLOCK;
      if (blocks > 1) database.exec('BEGIN');
      for (let block = 0; block < blocks; block++) {
        const bytes = from.subarray(block * BLOCK, (block + 1) * BLOCK);
        run('writeBlock', [path, at / BLOCK + block, bytes]);
      }
      if (blocks > 1) database.exec('COMMIT');
    },
    close: () => {},
  }),
  stored: () => {},
};
