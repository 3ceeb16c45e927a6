//! The server that machines mount: `wasi-opfs serve 9p`, on a port of the loopback interface.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::machine::Running;
use crate::tools::{run_quietly, say};

/// How long it may take until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Server {
    process: Running,
    pub(super) port: u16,
}

impl Server {
    /// Serves these mounts.
    pub(super) fn start(binary: &Path, mounts: &[String]) -> Result<Self> {
        Self::of(binary, |command| {
            command.args(["serve", "9p", "--listen", "tcp:127.0.0.1:0"]);
            for mount in mounts {
                command.args(["--mount", mount]);
            }
        })
    }

    /// Starts a program that says where it listens.
    pub(super) fn of(program: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut process = Running::start(program, |command| {
            prepare(command);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        })?;
        let said = process.0.stderr.take().context("the output was asked for")?;
        let (sender, port) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                match line.rsplit_once("listening at tcp:127.0.0.1:") {
                    Some((_, port)) => drop(sender.send(port.trim().parse::<u16>())),
                    None => say(&format!("  the server: {line}")),
                }
            }
        });
        let port = port.recv_timeout(PATIENCE).context("the server does not listen")??;
        Ok(Self { process, port })
    }

    /// Kills it in the middle of whatever it does.
    pub(super) fn kill(mut self) -> Result<()> {
        self.process.0.kill()?;
        self.process.0.wait()?;
        Ok(())
    }

    /// Ends it as somebody would who wants to keep the files.
    pub(super) fn end(mut self) -> Result<()> {
        let id = self.process.0.id().to_string();
        run_quietly(Command::new("kill").args(["-TERM", &id]))?;
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.0.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            ensure!(Instant::now() < patience, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
