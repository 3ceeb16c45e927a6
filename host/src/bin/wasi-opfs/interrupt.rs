//! The signals that ask this process to end: the first one ends what is being done, so that
//! everything is written; the second one ends the process.

use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Result, bail};
use tokio::sync::Notify;

/// The exit code that the signal stands for; 0 until it comes.
static CODE: AtomicI32 = AtomicI32::new(0);
static CAME: Notify = Notify::const_new();

/// Begins to listen, in the runtime of the caller.
pub(crate) fn listen() {
    tokio::spawn(async {
        while let Some(code) = next().await {
            if CODE.swap(code, Ordering::Relaxed) != 0 {
                std::process::exit(code);
            }
            CAME.notify_waiters();
        }
    });
}

/// The exit code, once a signal has come.
pub(crate) fn code() -> Option<i32> {
    match CODE.load(Ordering::Relaxed) {
        0 => None,
        code => Some(code),
    }
}

/// Returns once a signal comes.
pub(crate) async fn wait() -> i32 {
    loop {
        let came = CAME.notified();
        tokio::pin!(came);
        // From here on, none is missed.
        came.as_mut().enable();
        if let Some(code) = code() {
            return code;
        }
        came.await;
    }
}

/// In long work: an error once a signal has come.
pub(crate) fn check() -> Result<()> {
    if code().is_some() {
        bail!("it was interrupted");
    }
    Ok(())
}

/// 128 and the signal's number, as shells have it.
#[cfg(unix)]
async fn next() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut quit = signal(SignalKind::quit()).ok()?;
    // The terminal is gone; but whoever was started by `nohup` is to stay.
    let hangup = SignalKind::hangup();
    let mut hangup = if is_ignored(hangup.as_raw_value()) { None } else { signal(hangup).ok() };
    tokio::select! {
        answer = tokio::signal::ctrl_c() => answer.ok().map(|()| 130),
        answer = terminate.recv() => answer.map(|()| 143),
        answer = quit.recv() => answer.map(|()| 131),
        Some(()) = async { hangup.as_mut()?.recv().await } => Some(129),
    }
}

/// Whether this process was told to ignore a signal, where that can be seen.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (mask >> (signal - 1)) & 1 == 1)
}

#[cfg(not(unix))]
async fn next() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok().map(|()| 130)
}
