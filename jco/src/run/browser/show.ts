// Sizes, names and times as the native command line shows them.

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** As `5.01 MiB`. */
export function humanBytes(count: number): string {
  let [value, unit] = [count, 'B'];
  for (const larger of UNITS) {
    if (value < 1024) {
      break;
    }
    [value, unit] = [value / 1024, larger];
  }
  return unit === 'B' ? `${value} B` : `${value.toFixed(2)} ${unit}`;
}

const ESCAPED: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A name may hold what a terminal would obey. */
export function printable(name: string): string {
  return name.replace(
    /\p{Cc}/gu,
    (char) => ESCAPED[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}

/** The order of the bytes that names have in UTF-8. */
export function byBytes(one: string, other: string): number {
  for (let at = 0; ; at += 1) {
    const [a, b] = [one.codePointAt(at), other.codePointAt(at)];
    if (a !== b || a === undefined) {
      return (a ?? -1) - (b ?? -1);
    }
  }
}

/** The permission bits as `rwxr-x---`. */
export function bits(mode: number): string {
  return [...'rwxrwxrwx'].map((letter, at) => (mode & (0o400 >> at) ? letter : '-')).join('');
}

/** As `2026-01-31T12:00:00.25Z`, to the microsecond; `null` for what no calendar has. */
export function timestamp(ms: number | undefined): string | null {
  const seconds = Math.floor((ms ?? NaN) / 1000);
  const date = new Date(seconds * 1000);
  if (!(Math.abs(date.getUTCFullYear()) <= 9999)) {
    return null;
  }
  const micros = Math.min(Math.round(ms! * 1000 - seconds * 1e6), 999_999);
  const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`;
  return date.toISOString().replace('.000Z', `${fraction}Z`);
}
