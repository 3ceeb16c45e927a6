//! `wasi-opfs serve`: files for whoever mounts them.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use wasi_opfs::Owners;
use wasi_opfs::door::p9::{Limits, Server, serve};

use crate::mounts::{MountSpec, Mounts};
use crate::trace::TraceLog;
use crate::{block_on, interrupt, say};

/// How long clients have at the end to take the answers to what they have asked.
const GRACE: Duration = Duration::from_secs(2);

/// Serve files to virtual machines and other systems.
#[derive(Subcommand)]
pub(crate) enum Serve {
    #[command(name = "9p")]
    P9(P9),
}

const EXAMPLES: &str = "\
Examples:
  wasi-opfs serve 9p --listen tcp:127.0.0.1:5640 --mount /=volume:app.volume
  wasi-opfs serve 9p --listen unix:/run/app.sock --mount /=dir:. --mount /tmp=memory
  wasi-opfs serve 9p --listen tcp:[::1]:0 --mount src=dir:./src:ro --mount out=memory

A Linux guest of QEMU, whose host has the address 10.0.2.2, mounts it so:
  mount -t 9p -o trans=tcp,port=5640,version=9p2000.L,cache=none,msize=262144 10.0.2.2 /mnt
and a directory or another mount by its path or name, with aname=/tmp or aname=src. Give
cache=none: with another cache, a guest does not see what others change.

Nobody is asked who they are: whoever reaches the address may do what the mounts allow, as
any user. Modes and owners are kept, and looked at by the client's system, as Linux does.

It ends with the first signal: what clients have asked is answered, and everything is stored.";

/// Serve mounts by 9P2000.L, which Linux mounts.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct P9 {
    /// Where to listen: `tcp:ADDRESS:PORT`, port 0 for any that is free, or `unix:PATH`.
    #[arg(long, value_name = "ADDRESS", required = true)]
    listen: Vec<Listen>,

    /// What is served, as for `run`: at `/` what is mounted without a name, and at other
    /// paths and names what is mounted by them.
    #[arg(long = "mount", value_name = "NAME=KIND[:NAME][:ro]", required = true)]
    mounts: Vec<MountSpec>,

    /// Show all files as this user's and this group's, and keep no others. Needed for a
    /// directory of this machine unless this program is root, who may give files away.
    #[arg(long, value_name = "UID:GID", value_parser = owner)]
    owner: Option<Owners>,

    /// Listen also at addresses that other machines reach, though nobody is asked who they
    /// are.
    #[arg(long)]
    expose: bool,

    /// The longest message, in bytes; a client may ask for less.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().msize,
          value_parser = clap::value_parser!(u32).range(4096..=1 << 26))]
    msize: u32,

    /// The most files that one client may know of at once.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().fids,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    fids: usize,

    /// Write each request as a line of JSON, to FILE or to standard error (`-`).
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "-"
    )]
    trace: Option<PathBuf>,
}

fn owner(text: &str) -> Result<Owners> {
    let numbers = text.split_once(':').map(|(uid, gid)| (uid.parse(), gid.parse()));
    match numbers {
        Some((Ok(uid), Ok(gid))) => Ok(Owners::Fixed { uid, gid }),
        _ => Err(anyhow!("give it as two numbers, as 1000:1000")),
    }
}

/// One `--listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Listen {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("tcp", address)) => {
                // A name may have several: the first one is what others try first, too.
                let found = address.to_socket_addrs().ok().and_then(|mut all| all.next());
                found.map(Self::Tcp).with_context(|| {
                    format!(
                        "'{address}' is no address with a port; give one as 127.0.0.1:5640 or \
                         [::1]:5640"
                    )
                })
            }
            #[cfg(unix)]
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ => bail!("give it as tcp:127.0.0.1:5640 or unix:PATH"),
        }
    }
}

impl Serve {
    pub(crate) fn start(self) -> Result<i32> {
        let Self::P9(p9) = self;
        p9.start()
    }
}

impl P9 {
    fn start(self) -> Result<i32> {
        for listen in &self.listen {
            if let (Listen::Tcp(address), false) = (listen, self.expose) {
                refuse_others(address.ip())?;
            }
        }
        if self.owner.is_none() {
            refuse_giving_away(&self.mounts)?;
        }
        #[cfg(target_os = "linux")]
        allow_many_files();
        block_on(self.run())?;
        // A signal is how it is meant to end.
        Ok(0)
    }

    async fn run(self) -> Result<()> {
        let trace = self.trace.as_deref().map(TraceLog::open).transpose()?.map(Arc::new);
        let mounts = Mounts::open(&self.mounts, &[])?;
        let limits = Limits { msize: self.msize, fids: self.fids, ..Limits::default() };
        let mut server = Server::new(mounts.table().await?).limits(limits);
        if let Some(owners) = self.owner {
            server = server.owners(owners);
        }
        if let Some(trace) = &trace {
            server = server.trace(trace.tracer(None));
        }
        let (accepted, mut clients) = mpsc::channel(16);
        let mut files = Vec::new();
        for listen in &self.listen {
            match listen {
                Listen::Tcp(address) => listen_tcp(*address, accepted.clone()).await?,
                #[cfg(unix)]
                Listen::Unix(path) => {
                    listen_unix(path, accepted.clone())?;
                    files.push(SocketFile(path.clone()));
                }
            }
        }
        // What a client's system has taken from a mode already is not taken twice.
        #[cfg(target_os = "linux")]
        rustix::process::umask(rustix::fs::Mode::empty());
        let mut connections = Connections::default();
        loop {
            tokio::select! {
                _ = interrupt::wait() => break,
                client = clients.recv() => match client {
                    Some((client, name)) => connections.add(&server, client, name),
                    None => break,
                },
            }
        }
        // Nobody new comes in.
        drop(clients);
        drop(files);
        connections.end();
        let stored = mounts.finish().await;
        if let Some(trace) = trace {
            trace.finish()?;
        }
        stored
    }
}

/// Whoever can reach the address can do everything.
fn refuse_others(address: IpAddr) -> Result<()> {
    if address.is_loopback() {
        return Ok(());
    }
    bail!(
        "other machines may reach {address}, and whoever does is not asked who they are; listen \
         at 127.0.0.1, or say --expose if that is what you want"
    )
}

/// Without the right to give files away, nothing could be made in a directory.
fn refuse_giving_away(mounts: &[MountSpec]) -> Result<()> {
    #[cfg(target_os = "linux")]
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    match mounts.iter().find(|mount| mount.is_directory_to_write()) {
        None => Ok(()),
        Some(mount) => bail!(
            "files in the directory at '{}' cannot be given to the users of a guest, because \
             this program is not root; say --owner 0:0 to show them all as root's",
            mount.guest()
        ),
    }
}

/// Every file that a client knows of in a directory is an open one here.
#[cfg(target_os = "linux")]
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What was allowed before is allowed still.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// A client that has come, and what it is called.
type Accepted = mpsc::Sender<(Client, String)>;

enum Client {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

macro_rules! each {
    ($client:expr, $stream:ident => $act:expr) => {
        match $client {
            Client::Tcp($stream) => $act,
            #[cfg(unix)]
            Client::Unix($stream) => $act,
        }
    };
}

impl Client {
    fn another(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            #[cfg(unix)]
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    fn shutdown(&self, how: Shutdown) {
        // It may be gone already.
        let _ = each!(self, stream => stream.shutdown(how));
    }
}

impl Read for Client {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        each!(self, stream => stream.read(into))
    }
}

impl Write for Client {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        each!(self, stream => stream.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        each!(self, stream => stream.flush())
    }
}

async fn listen_tcp(address: SocketAddr, accepted: Accepted) -> Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen at tcp:{address}; end what listens there, or take another port")
    })?;
    say(&format!("listening at tcp:{}", listener.local_addr()?));
    tokio::spawn(async move {
        loop {
            let Some((stream, from)) = next(listener.accept().await).await else { continue };
            let ready = stream.into_std().and_then(|stream| {
                stream.set_nonblocking(false)?;
                // Answers are whole messages: none is to wait for another.
                stream.set_nodelay(true)?;
                Ok(stream)
            });
            let Ok(stream) = ready else { continue };
            if accepted.send((Client::Tcp(stream), from.to_string())).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(unix)]
fn listen_unix(path: &std::path::Path, accepted: Accepted) -> Result<()> {
    let shown = path.display();
    // A file that nobody listens at was left by somebody who was killed.
    let left = UnixStream::connect(path).err();
    if left.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) && is_socket(path)
    {
        fs::remove_file(path).with_context(|| format!("cannot take the place of '{shown}'"))?;
    }
    let listener = UnixListener::bind(path).with_context(|| {
        let is_there = fs::symlink_metadata(path).is_ok();
        let next = if is_there { "remove what is there, or take" } else { "take" };
        format!("cannot listen at unix:{shown}; {next} another path")
    })?;
    say(&format!("listening at unix:{shown}"));
    tokio::spawn(async move {
        loop {
            let Some((stream, _)) = next(listener.accept().await).await else { continue };
            let ready = stream.into_std().and_then(|stream| {
                stream.set_nonblocking(false)?;
                Ok(stream)
            });
            let Ok(stream) = ready else { continue };
            if accepted.send((Client::Unix(stream), "a local client".to_owned())).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(unix)]
fn is_socket(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// Who has come. What is in the way of one may be in the way of the next, and passes.
async fn next<T>(came: io::Result<T>) -> Option<T> {
    match came {
        Ok(came) => Some(came),
        Err(error) => {
            say(&format!("cannot take a client in: {error}"));
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// The file of a socket, which goes with it.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Clients that are being served.
#[derive(Default)]
struct Connections(Vec<(Client, JoinHandle<()>)>);

impl Connections {
    fn add(&mut self, server: &Server, client: Client, name: String) {
        self.0.retain(|(_, thread)| !thread.is_finished());
        let handles = (|| Ok((client.another()?, client.another()?, client.another()?)))();
        let (from, to, own) = match handles {
            Ok(handles) => handles,
            Err(error) => {
                let error: io::Error = error;
                return say(&format!("cannot serve {name}: {error}"));
            }
        };
        let server = server.clone();
        let work = move || {
            // Clients come and go; only one that speaks something else is worth a word.
            match serve(&server, from, to) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    say(&format!("{name} is sent away: {error}"));
                }
                _ => {}
            }
            // Other handles on it are open still.
            own.shutdown(Shutdown::Both);
        };
        match thread::Builder::new().name("9p".to_owned()).spawn(work) {
            Ok(thread) => self.0.push((client, thread)),
            Err(error) => say(&format!("cannot serve one more client: {error}")),
        }
    }

    /// Ends all: what was asked is answered, as far as clients take the answers.
    fn end(self) {
        for (client, _) in &self.0 {
            client.shutdown(Shutdown::Read);
        }
        let patience = Instant::now() + GRACE;
        while Instant::now() < patience && self.0.iter().any(|(_, thread)| !thread.is_finished()) {
            thread::sleep(Duration::from_millis(5));
        }
        for (client, thread) in self.0 {
            client.shutdown(Shutdown::Both);
            // A thread that has panicked has nothing more to store.
            let _ = thread.join();
        }
    }
}
