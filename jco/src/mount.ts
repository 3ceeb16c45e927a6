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

/** The volume of transpiled programs. */
export const PROGRAMS = 'wasi-opfs-programs';

const KINDS: readonly string[] = ['volume', 'tree', 'memory'];

/** Refuses what are no mounts, and those that no guest may have. */
export function checkMounts(mounts: unknown): asserts mounts is Mounts {
  if (typeof mounts !== 'object' || mounts === null) {
    throw new TypeError("which mounts? give them, as { mounts: { '/': 'volume:NAME' } }");
  }
  for (const [guest, mount] of Object.entries(mounts)) {
    const { kind, name } = parseMount(checkedMount(guest, mount));
    if (!KINDS.includes(kind)) {
      throw new TypeError(
        `there is no kind of mount '${kind}' (for '${guest}'); ` +
          'use volume:NAME, tree:NAME or memory',
      );
    }
    const own = kind === 'volume' ? name === PROGRAMS : name.split('/')[0] === `${PROGRAMS}.volume`;
    if (kind !== 'memory' && own) {
      throw new TypeError(
        `the volume '${PROGRAMS}' keeps transpiled programs, which run with the page's rights, ` +
          `so no guest may have it, or a tree of its file's name (for '${guest}'); ` +
          'mount something of another name',
      );
    }
  }
}

/** A mount in one of the two forms. */
function checkedMount(guest: string, mount: unknown): Mount {
  const { kind, name = '' } = Object(mount) as { kind?: unknown; name?: unknown };
  if (typeof mount !== 'string' && (typeof kind !== 'string' || typeof name !== 'string')) {
    throw new TypeError(
      `the mount for '${guest}' is none: ` +
        "give a string, as 'volume:NAME', or an object with a 'kind'",
    );
  }
  return mount as Mount;
}

/** Takes a mount in text apart. */
export function parseMount(mount: Mount): Required<MountOptions> {
  if (typeof mount !== 'string') {
    return { kind: mount.kind, name: mount.name ?? '', readOnly: mount.readOnly ?? false };
  }
  const readOnly = mount.endsWith(':ro');
  const [kind = '', ...name] = (readOnly ? mount.slice(0, -3) : mount).split(':');
  return { kind: kind as MountOptions['kind'], name: name.join(':'), readOnly };
}
