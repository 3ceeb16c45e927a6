// The programs of the page, with examples that build on each other.

export interface Example {
  /** On its button, if not its arguments. */
  label?: string;
  arguments: string;
  /** What is typed for it. */
  types?: string;
}

export interface Program {
  /** Its name, and the guest's `argv[0]`. */
  id: string;
  title: string;
  about: string;
  examples: readonly Example[];
}

export const programs: readonly Program[] = [
  {
    id: 'coreutils',
    title: 'coreutils',
    about: 'ls, cp, mv, sort and 75 more: uutils coreutils, written in Rust',
    examples: [
      { arguments: 'mkdir -p garden/beds' },
      { arguments: 'tee garden/fruit.txt', types: 'pear\napple\nquince\nfig\n' },
      { arguments: 'sort garden/fruit.txt' },
      { arguments: 'cp -r garden orchard' },
      { arguments: 'mv orchard/fruit.txt orchard/best.txt' },
      { arguments: 'ls -l --color garden orchard' },
      { arguments: 'wc garden/fruit.txt orchard/best.txt' },
      { arguments: 'sha256sum garden/fruit.txt' },
      { arguments: 'rm -r orchard' },
      { arguments: '--help' },
    ],
  },
  {
    id: 'sqlite',
    title: 'SQLite',
    about: 'The database engine, written in C; its journal makes and removes files',
    examples: [
      {
        label: 'create a table',
        arguments:
          'plants.db "CREATE TABLE IF NOT EXISTS plants (name TEXT PRIMARY KEY, height REAL);' +
          " INSERT OR REPLACE INTO plants VALUES ('fig', 4.5), ('pear', 12), ('quince', 5)\"",
      },
      {
        label: 'select',
        arguments: '-box plants.db "SELECT name, height FROM plants ORDER BY height DESC"',
      },
      {
        label: 'roll back',
        arguments:
          '-box plants.db "BEGIN; DELETE FROM plants; SELECT count(*) AS inside FROM plants;' +
          ' ROLLBACK; SELECT count(*) AS after FROM plants"',
      },
      { label: 'schema', arguments: 'plants.db .schema' },
      { label: 'check', arguments: 'plants.db "PRAGMA integrity_check"' },
      {
        label: '10,000 rows',
        arguments:
          '-box numbers.db "DROP TABLE IF EXISTS n; CREATE TABLE n AS WITH RECURSIVE c(i) AS' +
          ' (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 10000) SELECT i, i * i AS square' +
          ' FROM c; SELECT count(*) AS count, sum(square) AS sum FROM n"',
      },
      { label: 'self-test', arguments: '--selftest test.db' },
    ],
  },
];
