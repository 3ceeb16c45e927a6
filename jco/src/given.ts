// What a program is told when it starts: checked alike, whatever kind it is.

/** Arguments that can be passed on. */
export function argumentsOf(args: unknown): string[] {
  if (!Array.isArray(args)) {
    throw new TypeError("'args' is an array of strings");
  }
  for (const [index, text] of args.entries()) {
    if (typeof text !== 'string') {
      throw new TypeError(`'args' is an array of strings, and number ${index} is none`);
    }
    if (text.includes('\0')) {
      throw new TypeError(`args: number ${index} has a NUL in it, which no program can be given`);
    }
  }
  return [...(args as string[])];
}

/** An environment that can be passed on. */
export function environmentOf(env: unknown): Record<string, string> {
  if (typeof env !== 'object' || env === null || Array.isArray(env)) {
    throw new TypeError("'env' is an object of strings, by the names of the variables");
  }
  const entries = Object.entries(env);
  for (const [name, value] of entries) {
    if (name === '' || /[=\0]/.test(name)) {
      throw new TypeError(
        `env: '${name.replaceAll('\0', '\\0')}' is no name without '=' and NUL, or it is empty`,
      );
    }
    if (typeof value !== 'string') {
      throw new TypeError(`env: the value of '${name}' is no string`);
    }
    if (value.includes('\0')) {
      throw new TypeError(
        `env: the value of '${name}' has a NUL in it, which no program can be given`,
      );
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}
