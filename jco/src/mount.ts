// Mounts as they are written down.

/** What is mounted somewhere. */
export interface MountOptions {
  /** `tree`: a directory of OPFS as it is. `memory`: gone when it is closed. */
  kind: 'tree' | 'memory';
  /** Of a `tree`, the directory's name. */
  name?: string;
  /** Whether guests may change nothing. */
  readOnly?: boolean;
}

/** A mount as an object, or as `KIND:NAME[:ro]`: `tree:app`, `tree:app:ro`, `memory`. */
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
