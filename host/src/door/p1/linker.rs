//! The calls in a linker of wasmtime's.

use std::sync::Arc;

use wasmtime::{Caller, Error, Extern, Linker, Result, bail};

use super::calls::for_each_call;
use super::device::{Device, Null};
use super::failure::Failure;
use super::guest::{Guest, READS, Surroundings, WRITES};
use super::memory::Memory;
use super::trace::{Argument, Told, Value};
use crate::backend::{Destination, Source};
use crate::error::SetupError;
use crate::mount::MountTable;
use crate::trace::Tracer;

/// How a guest ended that called `proc_exit`: the error that its call answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(
    /// The code as the guest gave it; a shell keeps the low 8 bits.
    pub u32,
);

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the program exited with code {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// What a guest is started with.
pub struct P1Builder {
    mounts: MountTable,
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    stdio: [Arc<dyn Device>; 3],
    devices: Vec<(u32, Arc<dyn Device>)>,
    tracer: Option<Arc<dyn Tracer>>,
}

impl P1Builder {
    /// A guest that has `mounts` from descriptor 3 on, and whose standard input is at its end.
    #[must_use]
    pub fn new(mounts: MountTable) -> Self {
        let null = || Arc::new(Null) as Arc<dyn Device>;
        let stdio = [null(), null(), null()];
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self { mounts, arguments, environment, stdio, devices: Vec::new(), tracer: None }
    }

    /// One more argument; the first is the program's own name.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// One more variable of the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push(format!("{key}={value}").into());
        self
    }

    /// Standard input.
    #[must_use]
    pub fn stdin(mut self, device: Arc<dyn Device>) -> Self {
        self.stdio[0] = device;
        self
    }

    /// Standard output.
    #[must_use]
    pub fn stdout(mut self, device: Arc<dyn Device>) -> Self {
        self.stdio[1] = device;
        self
    }

    /// Standard error.
    #[must_use]
    pub fn stderr(mut self, device: Arc<dyn Device>) -> Self {
        self.stdio[2] = device;
        self
    }

    /// Something of the embedder's behind a descriptor that no mount has.
    #[must_use]
    pub fn device(mut self, fd: u32, device: Arc<dyn Device>) -> Self {
        self.devices.push((fd, device));
        self
    }

    /// Tells `tracer`, in most cases a closure, of each call on files.
    #[must_use]
    pub fn trace(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// The guest's state, for the data of its store.
    ///
    /// # Errors
    /// An argument with a NUL in it; a descriptor that is taken.
    pub fn build(self) -> Result<P1Ctx, SetupError> {
        let (arguments, environment) = (&self.arguments, &self.environment);
        // Whatever waits is awaited.
        let guest = Guest::new(arguments, environment, Surroundings { owner: 0, suspends: true })?;
        let rights = [READS, WRITES, WRITES];
        for ((fd, device), rights) in (0..).zip(self.stdio).zip(rights) {
            guest.device(fd, device, rights)?;
        }
        guest.preopen(&self.mounts)?;
        for (fd, device) in self.devices {
            guest.device(fd, device, READS | WRITES)?;
        }
        Ok(P1Ctx(Arc::new(State { guest, tracer: self.tracer })))
    }
}

/// One guest's state.
pub struct P1Ctx(Arc<State>);

struct State {
    guest: Guest,
    tracer: Option<Arc<dyn Tracer>>,
}

impl State {
    /// A call begins. Where nobody listens, it costs one test more.
    fn begin<const COUNT: usize>(
        &self,
        call: &'static str,
        arguments: impl FnOnce() -> [Argument; COUNT],
        memory: &mut Linear<'_>,
    ) -> Option<Told> {
        Told::begin(self.tracer.clone()?, call, &arguments(), memory)
    }
}

/// What a store's data has to give.
///
/// ```no_run
/// use wasi_opfs::backend::volume::Volume;
/// use wasi_opfs::door::p1::{Exit, P1Builder, P1Ctx, P1View, add_to_linker};
/// use wasi_opfs::{FileSystem, MountOptions, MountTable, Ref};
/// use wasmtime::{Engine, Linker, Module, Result, Store};
///
/// struct Guest(P1Ctx);
///
/// impl P1View for Guest {
///     fn p1(&mut self) -> &mut P1Ctx {
///         &mut self.0
///     }
/// }
///
/// async fn run(program: &str) -> Result<u32> {
///     let fs = FileSystem::new(Ref::new(Volume::in_memory(1 << 30)?));
///     let mount = MountOptions { guest: "/".to_owned(), fs, read_only: false };
///     let mounts = MountTable::new(vec![mount]).await?;
///     let ctx = P1Builder::new(mounts).arg("program").env("HOME", "/").build()?;
///
///     let engine = Engine::default();
///     let mut linker = Linker::new(&engine);
///     add_to_linker(&mut linker)?;
///     let module = Module::from_file(&engine, program)?;
///     let mut store = Store::new(&engine, Guest(ctx));
///     let instance = linker.instantiate_async(&mut store, &module).await?;
///     let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
///     match start.call_async(&mut store, ()).await {
///         Ok(()) => Ok(0),
///         Err(error) => error.downcast::<Exit>().map(|Exit(code)| code),
///     }
/// }
/// ```
pub trait P1View: Send {
    /// The guest's state.
    fn p1(&mut self) -> &mut P1Ctx;
}

/// The name that guests import the calls from.
const MODULE: &str = "wasi_snapshot_preview1";

/// Memory of a guest that does not run meanwhile.
struct Linear<'a>(&'a mut [u8]);

impl Linear<'_> {
    fn range(&mut self, at: u32, length: usize) -> Result<&mut [u8], Failure> {
        let start = at as usize;
        let end = start.checked_add(length).ok_or(Failure::Fault)?;
        self.0.get_mut(start..end).ok_or(Failure::Fault)
    }
}

impl Memory for Linear<'_> {
    fn load(&mut self, at: u32, into: &mut [u8]) -> Result<(), Failure> {
        into.copy_from_slice(self.range(at, into.len())?);
        Ok(())
    }

    fn store(&mut self, at: u32, bytes: &[u8]) -> Result<(), Failure> {
        self.range(at, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn destination(&mut self, at: u32, length: u32) -> Result<Destination<'_>, Failure> {
        Ok(Destination::Slice(self.range(at, length as usize)?))
    }

    fn source(&mut self, at: u32, length: u32) -> Result<Source<'_>, Failure> {
        Ok(Source::Slice(self.range(at, length as usize)?))
    }

    fn stays(&self) -> bool {
        true
    }
}

/// The guest of a call, and its memory.
fn parts<'a, T: P1View>(caller: &'a mut Caller<'_, T>) -> Result<(Arc<State>, Linear<'a>)> {
    let memory = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => memory,
        Some(Extern::SharedMemory(_)) => {
            bail!("the program's memory is shared with other threads, which is not supported here")
        }
        _ => bail!("the program exports no memory"),
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    Ok((data.p1().0.clone(), Linear(bytes)))
}

/// What the guest gets of an answer.
fn answer(
    told: Option<Told>,
    memory: &mut Linear<'_>,
    answered: Result<(), Failure>,
) -> Result<u32> {
    if let Some(told) = told {
        told.end(memory, answered);
    }
    match answered {
        Ok(()) => Ok(0),
        Err(Failure::Errno(errno)) => Ok(errno as u32),
        Err(Failure::Fault) => bail!("a pointer leads outside of the program's memory"),
    }
}

macro_rules! add_all {
    (
        now { $($now:ident($($n:ident: $nt:ty),*);)* }
        may_wait { $($wait:ident($($w:ident: $wt:ty),*);)* }
    ) => {
        /// Adds all of `wasi_snapshot_preview1`. Guests are called asynchronously, in a
        /// runtime of tokio's.
        ///
        /// # Errors
        /// If the linker has one of the functions already.
        pub fn add_to_linker<T: P1View + 'static>(linker: &mut Linker<T>) -> Result<()> {
            $(
                linker.func_wrap(
                    MODULE,
                    stringify!($now),
                    |mut caller: Caller<'_, T>, $($n: $nt),*| {
                        let (state, mut memory) = parts(&mut caller)?;
                        let arguments = || [$((stringify!($n), Value::value($n))),*];
                        let told = state.begin(stringify!($now), arguments, &mut memory);
                        let answered = state.guest.$now(&mut memory, $($n),*);
                        answer(told, &mut memory, answered)
                    },
                )?;
            )*
            $(
                linker.func_wrap_async(
                    MODULE,
                    stringify!($wait),
                    |mut caller: Caller<'_, T>, ($($w,)*): ($($wt,)*)| {
                        Box::new(async move {
                            let (state, mut memory) = parts(&mut caller)?;
                            let arguments = || [$((stringify!($w), Value::value($w))),*];
                            let told = state.begin(stringify!($wait), arguments, &mut memory);
                            let answered = state.guest.$wait(&mut memory, $($w),*).await;
                            answer(told, &mut memory, answered)
                        })
                    },
                )?;
            )*
            linker.func_wrap(MODULE, "proc_exit", |code: u32| -> Result<()> {
                Err(Error::new(Exit(code)))
            })?;
            Ok(())
        }
    };
}

for_each_call!(add_all);
