//! How fast a Linux in QEMU finds the server: beside diod, which serves a directory in the
//! same way, and the server that QEMU has built in, which needs no network.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::image;
use super::machine::{Machine, Ran, Running};
use super::pieces::{PC, Pieces};
use super::server::Server;
use super::{checks, files};
use crate::tools::{apt_install, cargo, on_path, run, say};

/// Lengths of messages. QEMU's own takes 512,000 for the last one.
const MSIZES: [u32; 3] = [8192, 65_536, 524_288];
/// That with which all but the throughput is measured.
const MSIZE: u32 = 262_144;
/// The longest message of what git, tar and rm do there, but those that ask for a flush.
pub(crate) const LONGEST: &str = "longest_message_ms";
const LIMIT: Duration = Duration::from_mins(10);

/// What was measured of whom: the unit is in the name.
pub(crate) struct Figure {
    pub(crate) peer: &'static str,
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// Whoever serves, and how it is mounted.
struct Peer {
    name: &'static str,
    source: String,
    options: String,
}

impl Peer {
    fn by_tcp(name: &'static str, port: u16, export: &str) -> Self {
        let options = format!("trans=tcp,port={port},uname=root,aname={export}");
        Self { name, source: "10.0.2.2".to_owned(), options }
    }

    fn mount(&self, msize: u32) -> String {
        let Self { source, options, .. } = self;
        let options = format!("{options},version=9p2000.L,cache=none,msize={msize}");
        format!("mkdir -p /mnt/x && busybox mount -t 9p -o {options} {source} /mnt/x")
    }
}

/// Measures all peers so many times, in turn.
///
/// # Errors
/// If something is missing that cannot be installed, or one of them fails.
pub(crate) fn measure(root: &Path, runs: u32) -> Result<Vec<Figure>> {
    let folder = root.join("target/vm");
    let pieces = Pieces::new(&folder, &PC)?;
    let image = image::image(root, &folder, PC.arch)?;
    let files = files(&checks(root)?)?;
    let scratch = folder.join("figures");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let place = |name: &str| {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder).map(|()| folder)
    };
    let (dir, theirs, qemus) = (place("dir")?, place("diod")?, place("qemu")?);
    let file = scratch.join("served.volume");
    let example = example(root)?;
    let serve = |what: &str, at: &Path, more: Option<&Path>| {
        Server::of(&example, |command| {
            command.arg(what).arg(at).args(more);
        })
    };
    let (volume, ours) = (serve("volume", &file, None)?, serve("dir", &dir, None)?);
    let (_diod, port) = diod(&theirs)?;
    let virtfs = format!(
        "local,path={},mount_tag=qemu,security_model=passthrough,multidevs=remap",
        qemus.display()
    );
    let more = ["-virtfs".to_owned(), virtfs];
    let peers = [
        Peer::by_tcp("volume", volume.port, ""),
        Peer::by_tcp("dir", ours.port, ""),
        Peer::by_tcp("diod", port, &theirs.display().to_string()),
        Peer { name: "qemu", source: "qemu".to_owned(), options: "trans=virtio".to_owned() },
    ];
    say("measuring in a virtual machine");
    let mut machine = Machine::boot(&pieces, &image, &files, &scratch, &more)?;
    let prepared = machine.run("sh /run/steps/measure.sh prepare", LIMIT)?;
    ensure!(prepared.code == 0, "there is nothing to clone: {}", prepared.output);
    let mut figures = Vec::new();
    for run in 0..runs {
        say(&format!("  run {} of {runs}", run + 1));
        for msize in MSIZES {
            for peer in &peers {
                let named = format!(" msize {msize}");
                one(&mut machine, peer, msize, "guest-vm throughput HERE", &named, &mut figures)?;
            }
        }
        // In turn, so that what slows the machine down for a while slows all.
        for command in ["guest-vm calls HERE", "sh /run/steps/measure.sh HERE"] {
            for peer in &peers {
                one(&mut machine, peer, MSIZE, command, "", &mut figures)?;
            }
        }
    }
    // Apart from what is timed: to trace is some work, too.
    for (what, at) in [("volume", scratch.join("traced.volume")), ("dir", place("traced")?)] {
        let trace = scratch.join(format!("{what}.jsonl"));
        let server = serve(what, &at, Some(&trace))?;
        let peer = Peer::by_tcp(what, server.port, "");
        one(&mut machine, &peer, MSIZE, "sh /run/steps/measure.sh HERE", "", &mut Vec::new())?;
        let value = longest(&trace)?;
        figures.push(Figure { peer: what, name: LONGEST.to_owned(), value });
    }
    machine.end()?;
    Ok(figures)
}

/// What one command measures of one peer; `named` is put behind the names.
fn one(
    machine: &mut Machine,
    peer: &Peer,
    msize: u32,
    command: &str,
    named: &str,
    figures: &mut Vec<Figure>,
) -> Result<()> {
    machine.set_up(&peer.mount(msize))?;
    machine.set_up("rm -rf /mnt/x/measured && mkdir /mnt/x/measured")?;
    let command = command.replace("HERE", "/mnt/x/measured");
    let Ran { code, output } = machine.run(&command, LIMIT)?;
    ensure!(code == 0, "{}, {command}: {output}", peer.name);
    for (name, value) in output.lines().filter_map(|line| line.split_once(' ')) {
        let value = value.parse().with_context(|| format!("{command} said {value}"))?;
        figures.push(Figure { peer: peer.name, name: format!("{name}{named}"), value });
    }
    machine.set_up("rm -rf /mnt/x/measured")?;
    machine.set_up("busybox umount /mnt/x")
}

/// The longest message in a trace, in milliseconds; not of those that flush.
fn longest(trace: &Path) -> Result<f64> {
    let mut longest = (0.0, String::new());
    for line in BufReader::new(fs::File::open(trace)?).lines() {
        let line = line?;
        let event: Value = serde_json::from_str(&line).context("a line of a trace")?;
        let us = event["us"].as_f64().context("a line of a trace has a time")?;
        if us > longest.0 && event["call"] != "Tfsync" {
            longest = (us, line);
        }
    }
    let (us, line) = longest;
    ensure!(us > 0.0, "nothing is in {}", trace.display());
    say(&format!("  the longest message: {line}"));
    Ok(us / 1000.0)
}

/// Builds the server alone, optimised.
fn example(root: &Path) -> Result<PathBuf> {
    say("building the server of 9P alone");
    run(cargo(root).args(["build", "--quiet", "--release", "--package", "wasi-opfs"]).args([
        "--features",
        "p9",
        "--example",
        "serve-9p",
    ]))?;
    Ok(root.join("target/release/examples/serve-9p"))
}

/// Starts diod on a port that is free.
fn diod(folder: &Path) -> Result<(Running, u16)> {
    const DIOD: &str = "diod";
    let find = || {
        let at = Path::new("/usr/sbin/diod");
        on_path(DIOD).or_else(|| at.is_file().then(|| at.to_owned()))
    };
    if find().is_none() {
        apt_install(&[DIOD]).context("no diod was found to measure beside; install it")?;
    }
    let program = find().context("the package brought no diod")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let diod = Running::start(&program, |command| {
        command.args(["--foreground", "--no-auth", "--config-file", "/dev/null"]);
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).arg("--export").arg(folder);
        command.args(["--logdest", "stderr"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
    })?;
    Ok((diod, port))
}
