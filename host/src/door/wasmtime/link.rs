//! What a linker is given.

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::{cli, clocks, random, sockets};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi_io::bindings::wasi::io;

use super::bindings::{preopens, types};
use super::{Filesystem, FilesystemView};

/// Adds all of WASI 0.2: files from the mounts of [`FilesystemView`], everything else
/// from wasmtime-wasi. Guests are called asynchronously.
///
/// # Errors
/// If the linker has one of the interfaces already.
pub fn add_to_linker<T: WasiView + FilesystemView>(linker: &mut Linker<T>) -> Result<()> {
    add_filesystem_to_linker(linker)?;
    add_all_but_filesystem(linker)
}

/// Adds `wasi:filesystem` alone, whatever version of 0.2 a guest was built with. The
/// interfaces that it uses, `wasi:io`, have to be wasmtime-wasi's.
///
/// # Errors
/// If the linker has one of the interfaces already.
pub fn add_filesystem_to_linker<T: FilesystemView>(linker: &mut Linker<T>) -> Result<()> {
    types::add_to_linker::<T, Filesystem>(linker, T::filesystem)?;
    preopens::add_to_linker::<T, Filesystem>(linker, T::filesystem)
}

/// Names the table of resources for the linker.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// What `wasmtime_wasi::p2::add_to_linker_async` adds, interface by interface: the
/// file system of wasmtime-wasi must not be in the linker, since a guest that asks for
/// exactly its version would get it.
fn add_all_but_filesystem<T: WasiView>(l: &mut Linker<T>) -> Result<()> {
    io::error::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::poll::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::streams::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    random::random::add_to_linker::<T, WasiRandom>(l, T::random)?;
    random::insecure::add_to_linker::<T, WasiRandom>(l, T::random)?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(l, T::random)?;
    cli::exit::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<T, WasiSockets>(l, &options, T::sockets)?;
    sockets::instance_network::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::tcp::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(l, T::sockets)
}
