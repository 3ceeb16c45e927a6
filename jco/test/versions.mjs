// The guest program that is made against the oldest and the newest WIT of WASI 0.2.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Builds it; both components by their names. `xtask/src/build.rs` does the same. */
export function versions() {
  const target = 'wasm32-unknown-unknown';
  const flags = ['--quiet', '--package', 'guest-versions', '--examples', '--profile', 'guest'];
  execFileSync(process.env.CARGO ?? 'cargo', ['build', ...flags, '--target', target], {
    cwd: root,
    env: {
      ...process.env,
      CARGO_TARGET_DIR: join(root, 'target'),
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: 'wasm-component-ld',
      RUSTFLAGS: '-Clink-arg=--wasi-adapter=none',
    },
    stdio: 'inherit',
  });
  const built = join(root, 'target', target, 'guest/examples');
  return ['oldest', 'newest'].map((name) => [name, join(built, `version_${name}.wasm`)]);
}
