// Where a guest's path lies among its mounts.

/** The innermost of `mounts` that holds `guest`, and the names from there on. */
export function place(
  mounts: readonly string[],
  guest: string,
): { mount: string; names: string[] } | undefined {
  const names = namesOf(guest);
  const holding = mounts.filter((mount) => {
    const outer = namesOf(mount);
    return (
      mount.startsWith('/') === guest.startsWith('/') &&
      outer.every((name, index) => name === names[index])
    );
  });
  const [mount] = holding.sort((one, other) => namesOf(other).length - namesOf(one).length);
  return mount === undefined ? undefined : { mount, names: names.slice(namesOf(mount).length) };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
