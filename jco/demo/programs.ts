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
  /** It prints its prompt to the standard error, which is not shown as an error then. */
  prompts?: boolean;
  examples: readonly Example[];
}

/** What somebody brings: a component is transpiled on the page. */
export const own: Program = {
  id: 'own',
  title: 'Your own',
  about: 'A component for WASI 0.2, or a preview1 module: drop a .wasm file anywhere on this page',
  examples: [],
};

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
    id: 'rg',
    title: 'ripgrep',
    about: 'Searches files for a pattern, written in Rust',
    examples: [
      { arguments: 'apple' },
      { arguments: '--line-number --context 1 fig garden' },
      { arguments: '--count "^[a-f]" garden' },
      { arguments: '--ignore-case --only-matching "p\\w+"' },
      { arguments: '--files --sort path' },
      { arguments: '--stats quince' },
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
  {
    id: 'python',
    title: 'Python',
    about: 'CPython 3.11; its library is one zip file, in memory under /usr, read-only',
    prompts: true,
    examples: [
      { label: 'prompt', arguments: '' },
      {
        label: 'write files',
        arguments:
          "-c \"from pathlib import Path; d = Path('herbs'); d.mkdir(exist_ok=True);" +
          " [(d / n).write_text(f'{n} grows here\\n') for n in ('basil', 'mint', 'sage')];" +
          ' print(*sorted(d.iterdir()))"',
      },
      { label: 'zip', arguments: '-m zipfile --create herbs.zip herbs' },
      { label: 'list the zip', arguments: '-m zipfile --list herbs.zip' },
      {
        label: 'walk',
        arguments:
          "-c \"import os; [print(f'{os.path.getsize(p):8}', p) for d, _, n in os.walk('/')" +
          " if not d.startswith('/usr') for p in (os.path.join(d, f) for f in n)]\"",
      },
      {
        label: 'sqlite3',
        arguments:
          "-c \"import sqlite3; db = sqlite3.connect('plants.db');" +
          " print(sqlite3.sqlite_version, db.execute('SELECT * FROM plants').fetchall())\"",
      },
      { arguments: '-m timeit "sum(range(1000))"' },
      { arguments: '-m this' },
    ],
  },
  {
    id: 'php',
    title: 'PHP',
    about: 'PHP 8.2, which reads what it is to run from the terminal, or from a file',
    examples: [
      {
        label: 'write a file',
        arguments: '-q',
        types:
          '<?php\n' +
          "$trees = ['fig' => 4.5, 'pear' => 12, 'quince' => 5];\n" +
          "file_put_contents('trees.json', json_encode($trees, JSON_PRETTY_PRINT));\n" +
          "echo filesize('trees.json'), \" bytes\\n\";\n",
      },
      {
        label: 'read it',
        arguments: '-q',
        types:
          '<?php\n' +
          "foreach (json_decode(file_get_contents('trees.json')) as $tree => $height) {\n" +
          '    echo str_pad($tree, 8), $height, " m\\n";\n' +
          '}\n',
      },
      { arguments: '-v' },
    ],
  },
  own,
];
