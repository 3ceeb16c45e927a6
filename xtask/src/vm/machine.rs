//! A machine of QEMU's that runs commands, one after the other, and ends with whoever
//! started it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::pieces::Pieces;
use crate::tools::{apt_install, name, on_path};

const QEMU: &str = "qemu-system-x86_64";
/// How long a machine may take to boot: seven seconds if it has a processor for itself.
const BOOT: Duration = Duration::from_mins(3);
/// Beyond what a command may take, until it is seen that it does not end at all.
const GRACE: Duration = Duration::from_mins(1);
/// No console, no checks that a test does not need, and no waiting after a panic.
const KERNEL: &str = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable \
                      random.trust_cpu=on nowatchdog cryptomgr.notests edd=off";
/// Begins a line that is not a command's.
const MARK: char = '\u{1e}';

/// A process that does not outlive whoever started it.
pub(super) struct Running(pub(super) Child);

impl Running {
    /// Starts it so that it is killed should this process be.
    pub(super) fn start(program: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut command = match on_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        prepare(&mut command);
        let child = command.spawn();
        Ok(Self(child.with_context(|| format!("cannot start {}", name(&command)))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a command ended.
pub(super) struct Ran {
    /// 137 if it took too long.
    pub(super) code: i32,
    pub(super) output: String,
}

pub(super) struct Machine {
    qemu: Running,
    commands: ChildStdin,
    lines: Receiver<String>,
}

impl Machine {
    /// Boots a machine with these files in its folder of steps; `more` are options of QEMU's.
    /// What its kernel says is written to `console`.
    pub(super) fn boot(
        pieces: &Pieces,
        image: &Path,
        steps: &[(String, Vec<u8>)],
        scratch: &Path,
        more: &[String],
    ) -> Result<Self> {
        let archive = scratch.join("initramfs");
        let console = scratch.join("console.txt");
        pieces.archive(&archive, include_str!("init.sh"), steps)?;
        let mut qemu = Running::start(&qemu()?, |qemu| {
            qemu.args(["-accel", "tcg", "-m", "1024", "-nodefaults", "-no-reboot"]);
            qemu.args(["-display", "none", "-monitor", "none", "-append", KERNEL]);
            qemu.arg("-kernel").arg(pieces.kernel()).arg("-initrd").arg(&archive);
            qemu.arg("-serial").arg(format!("file:{}", console.display()));
            let drive = format!("file={},if=virtio,format=raw,readonly=on", image.display());
            qemu.arg("-drive").arg(drive);
            qemu.args(["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]);
            qemu.args(["-device", "virtio-serial-pci", "-chardev", "stdio,id=port,signal=off"]);
            qemu.args(["-device", "virtserialport,chardev=port,name=port"]).args(more);
            qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        })?;
        let commands = qemu.0.stdin.take().context("the input was asked for")?;
        let output = qemu.0.stdout.take().context("the output was asked for")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                if sender.send(text).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let mut machine = Self { qemu, commands, lines };
        let booted = machine.until_marked(BOOT, |_| Ok(()));
        booted.with_context(|| {
            let said = fs::read_to_string(&console).unwrap_or_default();
            format!("the machine does not boot; its kernel said\n{said}")
        })?;
        Ok(machine)
    }

    /// Runs a command, one line for the shell, for so long at most.
    ///
    /// # Errors
    /// If the machine does not answer; nothing can be run in it then.
    pub(super) fn run(&mut self, command: &str, limit: Duration) -> Result<Ran> {
        self.run_and(command, limit, |_| Ok(()))
    }

    /// The same, with each line shown as it comes.
    pub(super) fn run_and(
        &mut self,
        command: &str,
        limit: Duration,
        mut line: impl FnMut(&str) -> Result<()>,
    ) -> Result<Ran> {
        ensure!(!command.contains('\n'), "a command is one line");
        writeln!(self.commands, "{} {command}", limit.as_secs().max(1))?;
        let mut output = String::new();
        let mark = self.until_marked(limit + GRACE, |text| {
            output.push_str(text);
            output.push('\n');
            line(text)
        });
        let code = match mark {
            Ok(mark) => mark.parse().context("a code")?,
            Err(error) => return Err(error.context(format!("after\n{output}"))),
        };
        // The end of a line, in case there was none.
        output.truncate(output.trim_end().len());
        Ok(Ran { code, output })
    }

    /// Runs a command that is not a test, and has to end well.
    pub(super) fn set_up(&mut self, command: &str) -> Result<()> {
        let Ran { code, output, .. } = self.run(command, Duration::from_mins(1))?;
        ensure!(code == 0, "in the machine, {command} ended with {code}: {output}");
        Ok(())
    }

    /// Switches it off.
    pub(super) fn end(mut self) -> Result<()> {
        drop(self.commands);
        let patience = Instant::now() + GRACE;
        while Instant::now() < patience {
            if self.qemu.0.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the machine does not switch itself off")
    }

    fn until_marked(
        &mut self,
        limit: Duration,
        mut line: impl FnMut(&str) -> Result<()>,
    ) -> Result<String> {
        let until = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(text) => match text.strip_prefix(MARK) {
                    Some(mark) => return Ok(mark.to_owned()),
                    None => line(&text)?,
                },
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the machine is silent for {} s", limit.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the machine has ended ({})", self.qemu.0.wait()?)
                }
            }
        }
    }
}

/// QEMU: one on the PATH, or on Debian one that is installed now.
fn qemu() -> Result<std::path::PathBuf> {
    if let Some(found) = on_path(QEMU) {
        return Ok(found);
    }
    apt_install(&["qemu-system-x86"])
        .with_context(|| format!("no {QEMU} was found; install QEMU for x86"))?;
    on_path(QEMU).with_context(|| format!("the package brought no {QEMU}"))
}
