//! Times of this machine's files as the core has them, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasi_opfs::backend::Time;

pub(super) fn to_time(time: SystemTime) -> Time {
    let (whole, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()), after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let carried = u64::from(before.subsec_nanos() > 0);
            let seconds = i64::try_from(before.as_secs() + carried).map(|seconds| -seconds);
            (seconds, (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000)
        }
    };
    Time { seconds: whole.unwrap_or(i64::MAX), nanoseconds }
}

pub(super) fn from_time(time: Time) -> Option<SystemTime> {
    let whole = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = if time.seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)?
    } else {
        UNIX_EPOCH.checked_add(whole)?
    };
    whole.checked_add(Duration::from_nanos(time.nanoseconds.into()))
}
