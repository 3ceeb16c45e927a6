//! `cargo xtask vm`: a Linux in QEMU mounts what the command line serves by 9P2000.L, and
//! programs that are known to find what is wrong with file systems run there.

mod apt;
mod figures;
mod image;
mod kills;
mod machine;
mod page;
mod pieces;
mod server;
mod steps;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

pub(crate) use self::page::{files_with_git, linux};
use crate::tally::Tally;
use crate::tools::{cargo, run, run_quietly, say};
pub(crate) use figures::{Figure, LONGEST, measure};
use image::{TARGET, alone};
use machine::Machine;
use pieces::{PC, Pieces};
use server::Server;
use steps::{EXPORTS, FILES, STEPS, Step};

/// Runs the steps, all or those of the default tests, whose names contain one
/// of `texts`, if there are any.
pub(crate) fn run_steps(
    root: &Path,
    binary: &Path,
    all: bool,
    texts: &[String],
    tally: &mut Tally,
) {
    let wanted = |name: &str| texts.is_empty() || texts.iter().any(|text| name.contains(text));
    let mut session = match Session::new(root, binary) {
        Ok(session) => session,
        Err(error) => return tally.one("a Linux that mounts by 9P", || Err(error)),
    };
    for export in EXPORTS {
        for step in STEPS.iter().filter(|step| step.is_run_on(export, all)) {
            let name = format!("a Linux on a mounted {export}: {}", step.name);
            if wanted(&name) {
                tally.many(&name, || session.step(step, export, all));
            }
        }
    }
    let name = "a Linux whose server is killed";
    if wanted(name) {
        tally.many(name, || session.kills(if all { 10 } else { 2 }));
    }
    tally.one("the volume that a Linux had mounted", || session.end());
}

/// A server and a machine, which is booted anew when it hangs.
struct Session {
    binary: PathBuf,
    scratch: PathBuf,
    pieces: Pieces,
    image: PathBuf,
    files: Vec<(String, Vec<u8>)>,
    server: Server,
    machine: Option<Machine>,
}

impl Session {
    fn new(root: &Path, binary: &Path) -> Result<Self> {
        let folder = root.join("target/vm");
        let pieces = Pieces::new(&folder, &PC)?;
        let image = image::image(root, &folder, PC.arch)?;
        let files = files(&checks(root)?)?;
        let scratch = folder.join("scratch");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(scratch.join("dir"))?;
        let mounts = [
            format!("volume=volume:{}", scratch.join("served.volume").display()),
            format!("dir=dir:{}", scratch.join("dir").display()),
            "memory=memory".to_owned(),
        ];
        let server = Server::start(binary, &mounts)?;
        let binary = binary.to_owned();
        Ok(Self { binary, scratch, pieces, image, files, server, machine: None })
    }

    /// One step on one mount, in a folder that is its own.
    fn step(&mut self, step: &Step, export: &str, all: bool) -> Result<(u64, Vec<String>)> {
        let folder = step.name.replace(' ', "-");
        let machine = self.booted()?;
        machine
            .set_up(&format!("rm -rf /mnt/{export}/{folder} && mkdir /mnt/{export}/{folder}"))?;
        let ran = machine.run(&step.on(export, &folder, all), step.limit(all));
        if ran.is_err() {
            self.machine = None;
        }
        let ran = ran?;
        fs::write(self.scratch.join(format!("{folder}-on-{export}.txt")), &ran.output)?;
        Ok(step.reads.read(export, ran.code, &ran.output))
    }

    /// The machine, with all mounted.
    fn booted(&mut self) -> Result<&mut Machine> {
        if self.machine.is_none() {
            let mut machine = self.boot()?;
            for export in EXPORTS {
                let port = self.server.port;
                for (suffix, options) in [
                    ("", "cache=none,msize=262144"),
                    ("-small", "cache=none,msize=8192"),
                    ("-mapped", "cache=mmap,msize=65536"),
                ] {
                    let at = format!("{export}{suffix}");
                    machine.set_up(&mount(export, port, &at, options))?;
                }
            }
            self.machine = Some(machine);
        }
        self.machine.as_mut().ok_or_else(|| anyhow::anyhow!("it was booted"))
    }

    fn boot(&self) -> Result<Machine> {
        Machine::boot(&self.pieces, &self.image, &self.files, &self.scratch, &[])
    }

    /// Ends all; whether the volume is whole then.
    fn end(mut self) -> Result<()> {
        if let Some(machine) = self.machine.take() {
            machine.end()?;
        }
        self.server.end()?;
        whole(&self.binary, &self.scratch.join("served.volume"))
    }
}

/// The command that mounts what is exported by a name at a folder of another.
fn mount(export: &str, port: u16, at: &str, options: &str) -> String {
    let options = format!("trans=tcp,port={port},version=9p2000.L,aname={export},{options}");
    format!("mkdir -p /mnt/{at} && busybox mount -t 9p -o {options} 10.0.2.2 /mnt/{at}")
}

/// Whether nothing is wrong with a volume.
fn whole(binary: &Path, volume: &Path) -> Result<()> {
    ensure!(volume.is_file(), "there is no {}", volume.display());
    run_quietly(Command::new(binary).args(["volume", "check"]).arg(volume))
}

/// What lies in a machine's folder of steps, with our own checks.
fn files(checks: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let texts = FILES.iter().map(|(name, text)| (*name, text.as_bytes().to_vec()));
    let files = texts.chain([("guest-vm", fs::read(checks)?)]);
    Ok(files.map(|(name, bytes)| (format!("steps/{name}"), bytes)).collect())
}

/// Builds our own checks.
fn checks(root: &Path) -> Result<PathBuf> {
    say("building the checks for a Linux");
    let target = root.join("target");
    run(alone(&mut cargo(root)).args([
        "build",
        "--quiet",
        "--package",
        "guest-vm",
        "--target",
        TARGET,
        "--profile",
        "guest",
    ]))?;
    Ok(target.join(TARGET).join("guest/guest-vm"))
}
