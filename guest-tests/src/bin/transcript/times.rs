//! Times that are set, left as they are, and move by themselves.

use std::fs::{self, File, FileTimes};
use std::io;
use std::time::{Duration, SystemTime};

use crate::say::{did, fixture, say};
use crate::sys::{self, NOW, OMIT, Time};

const HERE: &str = "work/times";

const EARLY: Time = (1_000_000_007, 123_456_789);
const LATE: Time = (2_000_000_011, 5);

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    by_name();
    opened()?;
    by_themselves()?;
    fs::remove_dir_all(HERE)
}

/// The times, where they are none of the clock's.
fn told(path: &str, follow: bool) -> io::Result<String> {
    let stat = sys::stat(path, follow)?;
    let known = |time: Time| match time {
        (seconds, _) if (seconds - now()).abs() < 1000 => "now".to_owned(),
        (seconds, nanoseconds) => format!("{seconds}.{nanoseconds:09}"),
    };
    Ok(format!("{} {}", known(stat.times[0]), known(stat.times[1])))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn by_name() {
    for name in [
        "file", "file/", "dir", "dir/", "link", "dirlink", "dirlink/", "dangling", "nope", "loop",
        "out", "dir/..", "..",
    ] {
        let path = format!("{HERE}/{name}");
        for follow in [true, false] {
            let how = if follow { "" } else { ", not followed" };
            for times in [[EARLY, LATE], [OMIT, EARLY], [LATE, OMIT], [OMIT, OMIT]] {
                let asked = format!("set {name}{how} to {times:?}");
                did(asked, sys::set_times(&path, times, follow));
                say("  are", told(&path, follow));
            }
            for times in [[NOW, OMIT], [OMIT, NOW], [NOW, NOW]] {
                did(format_args!("set {name}{how} to now"), sys::set_times(&path, times, follow));
            }
        }
    }
    for time in [
        (0, 0),
        (0, 1),
        (0, 999_999_999),
        (0, 1_000_000_000),
        (0, -1),
        (1, 2_000_000_000),
        (-1, 0),
        (-1, 500_000_000),
        (1 << 31, 0),
        (1 << 32, 7),
    ] {
        let path = format!("{HERE}/file");
        let asked = format!("set file to {time:?}");
        did(asked, sys::set_times(&path, [time, time], true));
        say("  are", told(&path, true));
    }
}

fn opened() -> io::Result<()> {
    let path = format!("{HERE}/file");
    let at = |(seconds, nanoseconds): Time| {
        let (seconds, nanoseconds) = (seconds.unsigned_abs(), nanoseconds.unsigned_abs());
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
    };
    let both = FileTimes::new().set_accessed(at(EARLY)).set_modified(at(LATE));
    let options: [(&str, File); 4] = [
        ("reads", File::open(&path)?),
        ("writes", File::options().write(true).open(&path)?),
        ("appends", File::options().append(true).open(&path)?),
        ("lists", File::open(format!("{HERE}/dir"))?),
    ];
    for (how, file) in options {
        let of = if how == "lists" { format!("{HERE}/dir") } else { path.clone() };
        did(format_args!("set_times of what {how}"), file.set_times(both));
        say("  are", told(&of, true));
        did(format_args!("set_modified of what {how}"), file.set_modified(at(EARLY)));
        say("  are", told(&of, true));
        did(format_args!("set nothing of what {how}"), file.set_times(FileTimes::new()));
        let accessed = FileTimes::new().set_accessed(at(LATE));
        did(format_args!("set the access of what {how}"), file.set_times(accessed));
        say("  are", told(&of, true));
        did(format_args!("set now of what {how}"), sys::set_times_of(&file, [OMIT, NOW]));
        did(format_args!("set years ago of what {how}"), sys::set_times_of(&file, [(-9, 0); 2]));
    }
    Ok(())
}

/// A change by its name.
type Change = (&'static str, fn() -> io::Result<()>);

/// Which changes move which time of the last change.
fn by_themselves() -> io::Result<()> {
    fixture(HERE)?;
    let at = |name: &str| format!("{HERE}/{name}");
    let changes: [Change; 12] = [
        ("write", || fs::write(format!("{HERE}/file"), "new")),
        ("read", || fs::read(format!("{HERE}/file")).map(drop)),
        ("write of nothing", || {
            let mut file = File::options().write(true).open(format!("{HERE}/file"))?;
            io::Write::write(&mut file, b"").map(drop)
        }),
        ("cut", || File::options().write(true).open(format!("{HERE}/file"))?.set_len(1)),
        ("open", || File::open(format!("{HERE}/file")).map(drop)),
        ("make inside", || fs::write(format!("{HERE}/dir/new"), "")),
        ("write inside", || fs::write(format!("{HERE}/dir/new"), "more")),
        ("rename inside", || fs::rename(format!("{HERE}/dir/new"), format!("{HERE}/dir/newer"))),
        ("remove inside", || fs::remove_file(format!("{HERE}/dir/newer"))),
        ("make a directory inside", || fs::create_dir(format!("{HERE}/dir/deep"))),
        ("remove it", || fs::remove_dir(format!("{HERE}/dir/deep"))),
        ("list", || fs::read_dir(format!("{HERE}/dir"))?.try_for_each(|entry| entry.map(drop))),
    ];
    for (name, change) in changes {
        for path in ["file", "dir"] {
            // Where times cannot be set, nothing is told of them.
            let _ = sys::set_times(&at(path), [EARLY, EARLY], true);
        }
        did(name, change());
        for path in ["file", "dir"] {
            let moved = sys::stat(&at(path), true).map(|stat| stat.times[1] != EARLY);
            say(format_args!("  {path} moved"), moved);
        }
    }
    Ok(())
}
