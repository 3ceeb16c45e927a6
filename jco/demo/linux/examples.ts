// What the page suggests: commands for Linux, and programs on the same files.

export interface Example {
  /** On its button, if not its arguments. */
  label?: string;
  arguments: string;
  /** What the program reads. */
  stdin?: string;
}

export interface Suggested {
  /** Its name, and the guest's `argv[0]`. */
  id: string;
  title: string;
  examples: readonly Example[];
}

export const commands: readonly string[] = [
  'uname -a',
  'df -h /mnt',
  'seq 5 > numbers.txt',
  'ls -l',
  'cat fruit.txt',
  'tail -n 2 letter.txt',
  'mkdir -p a/b && mv *.txt a',
  'sync',
];

export const programs: readonly Suggested[] = [
  {
    id: 'coreutils',
    title: 'coreutils',
    examples: [
      { arguments: 'ls -l --color /mnt' },
      { label: 'tee fruit.txt', arguments: 'tee /mnt/fruit.txt', stdin: 'pear\nfig\nquince\n' },
      { arguments: 'sort -r /mnt/numbers.txt' },
      { arguments: 'cp -r /mnt/a /mnt/copy' },
      { arguments: 'rm -r /mnt/copy' },
    ],
  },
  {
    id: 'python',
    title: 'Python',
    examples: [
      {
        label: 'write letter.txt',
        arguments:
          '-c "import platform, time; f = open(\'/mnt/letter.txt\', \'a\');' +
          " print('Dear Linux,', file=f);" +
          " print('at', time.strftime('%H:%M:%S'), 'I was', platform.machine(), file=f)\"",
      },
      {
        label: 'walk',
        arguments:
          "-c \"import os; [print(f'{os.path.getsize(p):8}', p) for d, _, n in os.walk('/mnt')" +
          ' for p in (os.path.join(d, f) for f in n)]"',
      },
      {
        label: 'add numbers.txt',
        arguments: "-c \"print(sum(int(line) for line in open('/mnt/numbers.txt')))\"",
      },
    ],
  },
];
