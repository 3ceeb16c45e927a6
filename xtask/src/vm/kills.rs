//! The server, killed in the middle of a machine's changes: what the machine had synced is
//! there afterwards.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::machine::{Machine, Ran};
use super::server::Server;
use super::{Session, mount, whole};

const OPTIONS: &str = "cache=none,msize=65536";
/// In which time a server is killed, at any rate: now and then Linux does not notice, and waits
/// for an answer that nobody will give.
const LIMIT: Duration = Duration::from_secs(30);

impl Session {
    /// Kills servers of a volume and of a directory so many times each.
    pub(super) fn kills(&mut self, count: u64) -> Result<(u64, Vec<String>)> {
        let volume = self.scratch.join("killed.volume");
        let dir = self.scratch.join("killed");
        std::fs::create_dir_all(&dir)?;
        let kinds = [format!("/=volume:{}", volume.display()), format!("/=dir:{}", dir.display())];
        let mut passed = 0;
        for kind in kinds {
            for round in 0..count {
                if let Err(error) = self.killed(&kind, round) {
                    // What the machine is in now, nobody knows.
                    self.machine = None;
                    return Ok((passed, vec![format!("kill {round} of {kind}: {error:#}")]));
                }
                passed += 1;
            }
        }
        whole(&self.binary, &volume)?;
        Ok((passed, Vec::new()))
    }

    fn killed(&mut self, kind: &str, round: u64) -> Result<()> {
        let binary = self.binary.clone();
        let serve = || Server::start(&binary, &[kind.to_owned()]);
        let mut server = Some(serve()?);
        let port = server.as_ref().context("it was started")?.port;
        let machine = self.booted()?;
        let folder = format!("/mnt/killed/round-{round}");
        machine.set_up(&format!("{} && mkdir {folder}", mount("", port, "killed", OPTIONS)))?;
        // Each time after some more changes.
        let enough = 3 + round * 5;
        let mut stored = None;
        let command = format!("guest-vm change {folder} {round}");
        let Ran { output, .. } = machine.run_and(&command, LIMIT, |line| {
            if let Some(number) = line.strip_prefix("stored ") {
                stored = Some(number.parse::<u64>()?);
                if stored >= Some(enough)
                    && let Some(server) = server.take()
                {
                    server.kill()?;
                }
            }
            Ok(())
        })?;
        ensure!(server.is_none(), "it was not killed: {output}");
        let stored = stored.context("something was stored")?;
        machine.set_up("busybox umount -l /mnt/killed")?;
        let server = serve()?;
        let compared = compare(machine, server.port, &folder, round, stored);
        machine.set_up("busybox umount /mnt/killed")?;
        compared?;
        server.end()
    }
}

fn compare(machine: &mut Machine, port: u16, folder: &str, seed: u64, stored: u64) -> Result<()> {
    machine.set_up(&mount("", port, "killed", OPTIONS))?;
    // One more change may have been made, and not said.
    let command = format!("guest-vm compare {folder} {seed} {stored} {}", stored + 1);
    let Ran { code, output, .. } = machine.run(&command, LIMIT)?;
    ensure!(code == 0, "after {stored} were stored: {output}");
    Ok(())
}
