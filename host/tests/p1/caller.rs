//! A module that makes single calls as it is told, and its memory.

use std::fmt::Write as _;
use std::sync::Arc;

use wasi_opfs::backend::Backend;
use wasi_opfs::door::p1::{Exit, P1Builder, P1Ctx, P1View, add_to_linker};
use wasi_opfs::{FileSystem, MountOptions, MountTable};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, Val};

/// Every call with its arguments: a descriptor, one of a directory, a path, buffers, a place
/// for an answer, a number; in capitals if it has 64 bits.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("args_get", "oo"),
    ("args_sizes_get", "oo"),
    ("environ_get", "oo"),
    ("environ_sizes_get", "oo"),
    ("clock_res_get", "no"),
    ("clock_time_get", "nNo"),
    ("fd_advise", "fNNn"),
    ("fd_allocate", "fNN"),
    ("fd_close", "f"),
    ("fd_datasync", "f"),
    ("fd_fdstat_get", "fo"),
    ("fd_fdstat_set_flags", "fn"),
    ("fd_fdstat_set_rights", "fNN"),
    ("fd_filestat_get", "fo"),
    ("fd_filestat_set_size", "fN"),
    ("fd_filestat_set_times", "fNNn"),
    ("fd_pread", "fvNo"),
    ("fd_prestat_get", "fo"),
    ("fd_prestat_dir_name", "fon"),
    ("fd_pwrite", "fvNo"),
    ("fd_read", "fvo"),
    ("fd_readdir", "donNo"),
    ("fd_renumber", "ff"),
    ("fd_seek", "fNno"),
    ("fd_sync", "f"),
    ("fd_tell", "fo"),
    ("fd_write", "fvo"),
    ("path_create_directory", "dp"),
    ("path_filestat_get", "dnpo"),
    ("path_filestat_set_times", "dnpNNn"),
    ("path_link", "dnpdp"),
    ("path_open", "dnpnNNno"),
    ("path_readlink", "dpono"),
    ("path_remove_directory", "dp"),
    ("path_rename", "dpdp"),
    ("path_symlink", "pdp"),
    ("path_unlink_file", "dp"),
    ("poll_oneoff", "oono"),
    ("proc_raise", "n"),
    ("random_get", "on"),
    ("sched_yield", ""),
    ("sock_accept", "fno"),
    ("sock_recv", "fvnoo"),
    ("sock_send", "fvno"),
    ("sock_shutdown", "fn"),
];

/// The guest's memory, in bytes: it is as large as this in all of the module.
pub(crate) const SIZE: u32 = 2 << 16;

/// Where buffers are described, and paths stand, in the guest's memory.
pub(crate) const BUFFERS: u32 = 0;
pub(crate) const PATHS: u32 = 4096;
pub(crate) const LONGEST_PATH: u32 = 64;

pub(crate) struct Guest(P1Ctx);

impl P1View for Guest {
    fn p1(&mut self) -> &mut P1Ctx {
        &mut self.0
    }
}

/// Exports each call.
pub(crate) fn module(engine: &Engine) -> Module {
    let mut text = String::from("(module");
    let types = |arguments: &str| {
        arguments.chars().fold(String::new(), |types, kind| {
            types
                + match kind {
                    'N' => " i64",
                    'p' | 'v' => " i32 i32",
                    _ => " i32",
                }
        })
    };
    for (name, arguments) in ALL {
        let types = types(arguments);
        write!(text, "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {types}) (result i32)))")
            .expect("a string");
    }
    // A call looks for the memory of whoever makes it: one of the module's own functions.
    for (name, arguments) in ALL {
        let types = types(arguments);
        let gets = (0..types.split_whitespace().count())
            .fold(String::new(), |gets, index| format!("{gets} (local.get {index})"));
        write!(
            text,
            "(func (export \"{name}\") (param {types}) (result i32) (call ${name} {gets}))"
        )
        .expect("a string");
    }
    text += "(memory (export \"memory\") 2 2))";
    Module::new(engine, wat::parse_str(text).expect("well formed")).expect("compiled")
}

pub(crate) struct Caller {
    store: Store<Guest>,
    instance: Instance,
    memory: Memory,
}

impl Caller {
    pub(crate) async fn new(table: &MountTable, module: &Module) -> Self {
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker).expect("all calls");
        let guest = P1Builder::new(table.clone()).arg("hostile").env("A", "b").build();
        let mut store = Store::new(module.engine(), Guest(guest.expect("a guest")));
        let instance = linker.instantiate_async(&mut store, module).await.expect("instantiated");
        let memory = instance.get_memory(&mut store, "memory").expect("exported");
        Self { store, instance, memory }
    }

    /// The number that a call answers with, or nothing if it traps.
    pub(crate) async fn call(&mut self, name: &str, arguments: &[Val]) -> Option<i32> {
        let call = self.instance.get_func(&mut self.store, name).expect("exported");
        let mut answer = [Val::I32(0)];
        match call.call_async(&mut self.store, arguments, &mut answer).await {
            Ok(()) => answer[0].i32(),
            Err(error) => {
                let told = format!("{error:?}");
                assert!(told.contains("outside of the program's memory"), "{name}: {told}");
                assert!(error.downcast_ref::<Exit>().is_none());
                None
            }
        }
    }

    pub(crate) fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory.write(&mut self.store, at as usize, bytes).expect("in memory");
    }

    pub(crate) fn get<const N: usize>(&self, at: u32) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read(&self.store, at as usize, &mut bytes).expect("in memory");
        bytes
    }

    /// Opens a file for reading and writing, which is made if it is missing, at the mount `fd`.
    pub(crate) async fn open(&mut self, fd: i32, name: &str) -> Option<i32> {
        self.put(PATHS, name.as_bytes());
        let length = i32::try_from(name.len()).expect("short");
        let path = [Val::I32(PATHS.cast_signed()), Val::I32(length)];
        let rights = [Val::I64(1 << 1 | 1 << 6), Val::I64(0)];
        let [at, to] = path;
        let [own, inherited] = rights;
        let [follow, create, flags, into] = [0, 1, 0, 512].map(Val::I32);
        let arguments = [Val::I32(fd), follow, at, to, create, own, inherited, flags, into];
        self.call("path_open", &arguments).await
    }
}

pub(crate) async fn table(backend: Arc<dyn Backend>) -> MountTable {
    let fs = FileSystem::new(backend);
    let mount = |guest: &str, read_only| MountOptions {
        guest: guest.to_owned(),
        fs: fs.clone(),
        read_only,
    };
    MountTable::new(vec![mount("/", false), mount("ro", true)]).await.expect("mounts")
}
