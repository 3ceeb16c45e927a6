// Mounts as they are written down.

/** What is mounted somewhere. */
export interface MountOptions {
  /**
   * `volume`: a whole file system in one file of OPFS, fast. `tree`: a directory of OPFS as
   * it is, which waits. `memory`: gone when it is closed.
   */
  kind: 'volume' | 'tree' | 'memory';
  /** Of a `volume` or a `tree`, the name in OPFS; mounts of one name show the same. */
  name?: string;
  /** Whether guests may change nothing. */
  readOnly?: boolean;
}

/** A mount as an object, or as `KIND:NAME[:ro]`: `volume:app`, `tree:app:ro`, `memory`. */
export type Mount = string | MountOptions;

/** What guests see where: names of preopened directories, as `/`, `/tmp` or `.`. */
export type Mounts = Record<string, Mount>;

/** Takes a mount in text apart. */
export function parseMount(mount: Mount): Required<MountOptions> {
  if (typeof mount !== 'string') {
    return { kind: mount.kind, name: mount.name ?? '', readOnly: mount.readOnly ?? false };
  }
  const readOnly = mount.endsWith(':ro');
  const [kind = '', ...name] = (readOnly ? mount.slice(0, -3) : mount).split(':');
  return { kind: kind as MountOptions['kind'], name: name.join(':'), readOnly };
}
