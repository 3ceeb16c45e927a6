//! A folder with programs, in which commands run.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A preview1 program in the text format, with what it may need.
pub(crate) fn program(start: &str) -> String {
    exporting("_start", start)
}

/// The same of a module that exports something else.
pub(crate) fn exporting(name: &str, body: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $env_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "oh\n")
  (data (i32.const 1040) "in")
  (data (i32.const 1050) "out")
  ;; Ends with the answer of a call, if it is an error.
  (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  ;; Writes `count` bytes from `from` to `fd`.
  (func $put (param $fd i32) (param $from i32) (param $count i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $count))
    (call $check (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  ;; Opens a name in the first mount.
  (func $open_at (param $name i32) (param $length i32) (param $flags i32) (param $rights i64)
    (result i32)
    (call $check (call $open (i32.const 3) (i32.const 0) (local.get $name) (local.get $length)
      (local.get $flags) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "{name}") (local $fd i32) {body}))"#
    )
}

pub(crate) const OK: &str = "";
pub(crate) const EXIT: &str = "(call $exit (i32.const 7))";
pub(crate) const TRAP: &str =
    "(call $put (i32.const 2) (i32.const 1024) (i32.const 3)) unreachable";
pub(crate) const LOOP: &str = "(loop (br 0))";
/// Waits for an hour.
pub(crate) const SLEEP: &str = "(i64.store (i32.const 2000) (i64.const 0))
    (i32.store8 (i32.const 2008) (i32.const 0))
    (i32.store (i32.const 2016) (i32.const 1))
    (i64.store (i32.const 2024) (i64.const 3600000000000))
    (call $check (call $poll (i32.const 2000) (i32.const 3000) (i32.const 1) (i32.const 8)))";
/// Waits for input, for an hour at most, and prints it; ends with 99 if that is not why.
pub(crate) const AWAIT: &str = "(i64.store (i32.const 2000) (i64.const 1))
    (i64.store (i32.const 2024) (i64.const 3600000000000))
    (i32.store (i32.const 2016) (i32.const 1))
    (i64.store (i32.const 2048) (i64.const 2))
    (i32.store8 (i32.const 2056) (i32.const 1))
    (call $check (call $poll (i32.const 2000) (i32.const 3000) (i32.const 2) (i32.const 8)))
    (if (i64.ne (i64.load (i32.const 3000)) (i64.const 2)) (then (call $exit (i32.const 99))))
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))";
/// Prints its arguments, each with a NUL behind it.
pub(crate) const ARGS: &str = "(call $check (call $sizes (i32.const 100) (i32.const 104)))
    (call $check (call $args (i32.const 4096) (i32.const 8192)))
    (call $put (i32.const 1) (i32.const 8192) (i32.load (i32.const 104)))";
/// The same of its environment.
pub(crate) const ENV: &str = "(call $check (call $env_sizes (i32.const 100) (i32.const 104)))
    (call $check (call $env (i32.const 4096) (i32.const 8192)))
    (call $put (i32.const 1) (i32.const 8192) (i32.load (i32.const 104)))";
/// Prints standard input.
pub(crate) const ECHO: &str = "(i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))";
/// Prints the file `in` of the first mount.
pub(crate) const CAT: &str = "(local.set $fd
      (call $open_at (i32.const 1040) (i32.const 2) (i32.const 0) (i64.const 2)))
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))";
/// Writes `oh` to standard output.
pub(crate) const SAY: &str = "(call $put (i32.const 1) (i32.const 1024) (i32.const 3))";
/// Writes `oh` to the file `out` of the first mount.
pub(crate) const OUT: &str = "(call $put
      (call $open_at (i32.const 1050) (i32.const 3) (i32.const 1) (i64.const 64))
      (i32.const 1024) (i32.const 3))";
/// Writes it, and fails.
pub(crate) const OUT_AND_EXIT: &str = "(call $put
      (call $open_at (i32.const 1050) (i32.const 3) (i32.const 1) (i64.const 64))
      (i32.const 1024) (i32.const 3)) (call $exit (i32.const 1))";

/// A folder with programs in it, in which commands run.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(programs: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        for (name, start) in programs {
            fs::write(place.path(name), program(start)).expect("a program");
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasi-opfs"));
        command.current_dir(self.0.path()).stdin(Stdio::null()).arg("run").args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("it starts")
    }

    /// A command other than `run`, to be started.
    pub(crate) fn start(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasi-opfs"));
        command.current_dir(self.0.path()).stdin(Stdio::null()).args(args);
        command
    }

    /// Runs a command other than `run`.
    pub(crate) fn tool(&self, args: &[&str]) -> Output {
        self.start(args).output().expect("it starts")
    }

    /// The same, and what it printed, for one that has to end well.
    pub(crate) fn ask(&self, args: &[&str]) -> String {
        let output = self.tool(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// The same of one that prints a line of JSON.
    pub(crate) fn ask_json(&self, args: &[&str]) -> Value {
        let text = self.ask(args);
        serde_json::from_str(&text).expect("a line of JSON")
    }

    /// Runs a batch and gives its results.
    pub(crate) fn batch(&self, lines: &str) -> Vec<Value> {
        self.write("batch.jsonl", lines);
        let output = self.run(&["--batch", "batch.jsonl"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let lines = stdout(&output);
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}
