//! The command line: what it prints, exits with, copies in and out.

#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// A preview1 program in the text format, with what it may need.
fn program(start: &str) -> String {
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
  (func (export "_start") (local $fd i32) {start}))"#
    )
}

const OK: &str = "";
const EXIT: &str = "(call $exit (i32.const 7))";
const TRAP: &str = "(call $put (i32.const 2) (i32.const 1024) (i32.const 3)) unreachable";
const LOOP: &str = "(loop (br 0))";
/// Waits for an hour.
const SLEEP: &str = "(i64.store (i32.const 2000) (i64.const 0))
    (i32.store8 (i32.const 2008) (i32.const 0))
    (i32.store (i32.const 2016) (i32.const 1))
    (i64.store (i32.const 2024) (i64.const 3600000000000))
    (call $check (call $poll (i32.const 2000) (i32.const 3000) (i32.const 1) (i32.const 8)))";
/// Prints its arguments, each with a NUL behind it.
const ARGS: &str = "(call $check (call $sizes (i32.const 100) (i32.const 104)))
    (call $check (call $args (i32.const 4096) (i32.const 8192)))
    (call $put (i32.const 1) (i32.const 8192) (i32.load (i32.const 104)))";
/// The same of its environment.
const ENV: &str = "(call $check (call $env_sizes (i32.const 100) (i32.const 104)))
    (call $check (call $env (i32.const 4096) (i32.const 8192)))
    (call $put (i32.const 1) (i32.const 8192) (i32.load (i32.const 104)))";
/// Prints standard input.
const ECHO: &str = "(i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))";
/// Prints the file `in` of the first mount.
const CAT: &str = "(local.set $fd
      (call $open_at (i32.const 1040) (i32.const 2) (i32.const 0) (i64.const 2)))
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $put (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))";
/// Writes `oh` to the file `out` of the first mount.
const OUT: &str = "(call $put
      (call $open_at (i32.const 1050) (i32.const 3) (i32.const 1) (i64.const 64))
      (i32.const 1024) (i32.const 3))";
/// Writes it, and fails.
const OUT_AND_EXIT: &str = "(call $put
      (call $open_at (i32.const 1050) (i32.const 3) (i32.const 1) (i64.const 64))
      (i32.const 1024) (i32.const 3)) (call $exit (i32.const 1))";

/// A folder with programs in it, in which commands run.
struct Place(TempDir);

impl Place {
    fn new(programs: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        for (name, start) in programs {
            fs::write(place.path(name), program(start)).expect("a program");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasi-opfs"));
        command.current_dir(self.0.path()).stdin(Stdio::null()).arg("run").args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("it starts")
    }

    /// Runs a batch and gives its results.
    fn batch(&self, lines: &str) -> Vec<Value> {
        self.write("batch.jsonl", lines);
        let output = self.run(&["--batch", "batch.jsonl"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let lines = stdout(&output);
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

#[test]
fn the_exit_code_is_the_programs() {
    let place = Place::new(&[("ok.wat", OK), ("exit.wat", EXIT), ("trap.wat", TRAP)]);
    place.write("text.wasm", "no program");
    place.write("component.wasm", "(component)");
    // (program, exit code, what stands on standard error)
    for (program, wanted, said) in [
        ("ok.wat", 0, ""),
        ("exit.wat", 7, ""),
        ("trap.wat", 134, "unreachable"),
        ("nowhere.wasm", 127, "'nowhere.wasm': No such file"),
        ("text.wasm", 126, "neither WebAssembly nor its text format"),
        ("component.wasm", 126, "not a program"),
    ] {
        let output = place.run(&[program]);
        assert_eq!(code(&output), wanted, "{program}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{program}: {}", stderr(&output));
        assert_eq!(said.is_empty(), stderr(&output).is_empty(), "{program}");
    }
    assert!(stderr(&place.run(&["trap.wat"])).starts_with("oh\n"), "the program's own comes first");
}

#[test]
fn arguments_environment_and_input_reach_the_program() {
    let place = Place::new(&[("args.wat", ARGS), ("env.wat", ENV), ("echo.wat", ECHO)]);
    let output = place.run(&["args.wat", "--", "a b", "--mount", ""]);
    assert_eq!(stdout(&output), "args.wat\0a b\0--mount\0\0");
    let output = place.run(&["env.wat", "--env", "B=1=2", "--env", "A="]);
    assert_eq!(stdout(&output), "B=1=2\0A=\0");
    place.write("input", "hello\n");
    let input = fs::File::open(place.path("input")).expect("the input");
    let output = place.command(&["echo.wat"]).stdin(input).output().expect("it starts");
    assert_eq!(stdout(&output), "hello\n");
}

#[test]
fn a_program_that_computes_or_waits_is_ended() {
    let place = Place::new(&[("loop.wat", LOOP), ("sleep.wat", SLEEP), ("ok.wat", OK)]);
    for program in ["loop.wat", "sleep.wat"] {
        let start = Instant::now();
        let output = place.run(&[program, "--timeout", "300"]);
        assert_eq!(code(&output), 124, "{program}");
        assert!(stderr(&output).contains("ended after 300 ms"), "{}", stderr(&output));
        assert!(start.elapsed() < Duration::from_secs(20), "{program}");
    }
    assert_eq!(code(&place.run(&["ok.wat", "--timeout", "60000"])), 0);
}

#[test]
fn mounts_are_what_they_are_called() {
    let place = Place::new(&[("cat.wat", CAT), ("out.wat", OUT), ("ok.wat", OK)]);
    place.write("data/in", "from the host");
    for guest in ["/", ".", "/deep/down", "data"] {
        let mount = format!("{guest}=dir:data:ro");
        let output = place.run(&["cat.wat", "--mount", &mount]);
        assert_eq!(stdout(&output), "from the host", "{guest}: {}", stderr(&output));
        // Errno 63: perm.
        assert_eq!(code(&place.run(&["out.wat", "--mount", &mount])), 63, "{guest}");
    }
    assert!(!place.path("data/out").exists());
    assert_eq!(code(&place.run(&["out.wat", "--mount", "/=dir:data"])), 0);
    assert_eq!(place.text("data/out"), "oh\n");

    // (mounts, what is said)
    let rows: &[(&[&str], i32, &str)] = &[
        (&["/=dir:nowhere"], 125, "nowhere"),
        (&["/=dir:ok.wat"], 125, "ok.wat"),
        (&["/=memory", "/=memory"], 125, "mounted twice"),
        (&["a/../b=memory"], 125, "a/../b"),
        (&["/=tree:x"], 2, "browser"),
        (&["/"], 2, "'/' has no '='"),
        (&["/=dir:data:ro", "/point=memory"], 125, "create the directory first"),
    ];
    for (mounts, wanted, said) in rows {
        let mut args = vec!["ok.wat"];
        args.extend(mounts.iter().flat_map(|mount| ["--mount", mount]));
        let output = place.run(&args);
        assert_eq!(code(&output), *wanted, "{mounts:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{mounts:?}: {}", stderr(&output));
    }
}

#[test]
fn one_storage_is_one_file_system() {
    let place = Place::new(&[("out.wat", OUT), ("cat.wat", CAT)]);
    place.write("src/in", "imported");
    // The same memory under two names; the program sees what went into the other one.
    let output = place.run(&[
        "cat.wat",
        "--mount",
        "/a=memory:x:ro",
        "--mount",
        "/b=memory:x",
        "--import",
        "src=/b",
    ]);
    assert_eq!(stdout(&output), "imported", "{}", stderr(&output));
    let output = place.run(&[
        "out.wat",
        "--mount",
        "/a=memory:x",
        "--mount",
        "/b=memory:y",
        "--export",
        "/a=a",
        "--export",
        "/b=b",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(place.text("a/out"), "oh\n");
    assert_eq!(fs::read_dir(place.path("b")).expect("b").count(), 0);
}

#[cfg(unix)]
#[test]
fn trees_go_in_and_out_as_they_are() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new(&[("exit.wat", OUT_AND_EXIT)]);
    place.write("src/d/e/file", "text");
    place.write("src/tool", &"x".repeat(600_000));
    fs::create_dir(place.path("src/empty")).expect("a directory");
    symlink("d/e/file", place.path("src/link")).expect("a link");
    symlink("../nowhere", place.path("src/dangling")).expect("a link");
    fs::set_permissions(place.path("src/tool"), PermissionsExt::from_mode(0o750)).expect("mode");
    let old = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_000_000_000_123_456_789);
    for name in ["src/d/e/file", "src/d"] {
        let file = fs::File::open(place.path(name)).expect(name);
        file.set_modified(old).expect(name);
    }
    // Into a read-only mount, and out although the program failed.
    fs::create_dir(place.path("held")).expect("a directory");
    for (mount, round) in [("/m=memory:ro", "a"), ("/m=dir:held:ro", "b")] {
        let (export, import) = (format!("/m=out-{round}"), "src=/m".to_owned());
        let output = place.run(&[
            "exit.wat",
            "--mount",
            "/w=memory",
            "--mount",
            mount,
            "--import",
            &import,
            "--export",
            &export,
        ]);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        let out = place.path(&format!("out-{round}"));
        assert_eq!(fs::read(out.join("d/e/file")).expect("file"), b"text");
        assert_eq!(fs::metadata(out.join("tool")).expect("tool").len(), 600_000);
        assert!(out.join("empty").is_dir());
        let target = |name: &str| fs::read_link(out.join(name)).expect(name);
        assert_eq!(target("link"), Path::new("d/e/file"));
        assert_eq!(target("dangling"), Path::new("../nowhere"));
        let mode = fs::metadata(out.join("tool")).expect("tool").permissions().mode();
        assert_eq!(mode & 0o700, 0o700);
        assert_eq!(mode & 0o007, 0);
        for name in ["d/e/file", "d"] {
            let modified = fs::metadata(out.join(name)).expect(name).modified().expect("a time");
            assert_eq!(modified, old, "{mount}: {name}");
        }
        assert!(!out.join("out").exists());
    }
    // Once more onto what is there.
    let output = place.run(&[
        "exit.wat",
        "--mount",
        "/w=memory",
        "--import",
        "src=/w",
        "--export",
        "/w=out-a",
    ]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert_eq!(place.text("out-a/out"), "oh\n");
}

#[cfg(unix)]
#[test]
fn an_export_stays_in_its_directory() {
    use std::os::unix::fs::symlink;
    let place = Place::new(&[("out.wat", OUT)]);
    place.write("src/d/file", "new");
    place.write("src/file", "new");
    place.write("elsewhere/file", "old");
    fs::create_dir(place.path("out")).expect("a directory");
    // Left by an earlier export of a guest that meant harm.
    symlink("../elsewhere", place.path("out/d")).expect("a link");
    symlink("../elsewhere/file", place.path("out/file")).expect("a link");
    let output =
        place.run(&["out.wat", "--mount", "/=memory", "--import", "src=/", "--export", "/=out"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(place.text("elsewhere/file"), "old");
    assert_eq!(place.text("out/d/file"), "new");
    assert_eq!(place.text("out/file"), "new");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_copied_is_named() {
    let place = Place::new(&[("ok.wat", OK)]);
    place.write("file", "");
    place.write("src/sub/fine", "");
    std::os::unix::fs::symlink("/etc/passwd", place.path("src/sub/link")).expect("a link");
    // (flags, what is said)
    let rows: &[(&[&str], &str)] = &[
        (&["--import", "src=/m"], "link': it is a link to an absolute path"),
        (&["--import", "nowhere=/m"], "cannot import 'nowhere' to '/m'"),
        (&["--import", "file=/m"], "it is not a directory"),
        (&["--import", "src=/other"], "no mount has it; there are '/m'"),
        (&["--export", "/m/nowhere=out"], "cannot export '/m/nowhere' to 'out'"),
        (&["--export", "/m=file"], "cannot export '/m' to 'file'"),
    ];
    for (flags, said) in rows {
        let mut args = vec!["ok.wat", "--mount", "/m=memory"];
        args.extend(*flags);
        let output = place.run(&args);
        assert_eq!(code(&output), 125, "{flags:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{flags:?}: {}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn wide_trees_take_few_descriptors() {
    let place = Place::new(&[("ok.wat", OK)]);
    for number in 0..200 {
        place.write(&format!("src/d{number}/file"), "");
    }
    fs::create_dir(place.path("held")).expect("a directory");
    let limited = "ulimit -n 64; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_wasi-opfs"), "run", "ok.wat"])
        .args(["--mount", "/=dir:held", "--import", "src=/", "--export", "/=out"])
        .current_dir(place.path("."))
        .output()
        .expect("it starts");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(fs::read_dir(place.path("out")).expect("out").count(), 200);
}

#[cfg(unix)]
#[test]
fn nothing_is_copied_into_itself() {
    let place = Place::new(&[("ok.wat", OK)]);
    place.write("data/file", "precious");
    place.write("data/d/file", "precious");
    place.write("other/place", "");
    fs::hard_link(place.path("data/file"), place.path("other/file")).expect("a link");
    let itself = "a directory cannot be copied into itself";
    // (mount, flags, exit code, what is said)
    let rows: &[(&str, &[&str], i32, &str)] = &[
        ("/=dir:data", &["--import", "data=/"], 125, itself),
        ("/=dir:data", &["--export", "/=data"], 125, itself),
        ("/=dir:data/d", &["--import", "data=/"], 125, itself),
        ("/=dir:data", &["--export", "/=data/d"], 125, itself),
        ("/=dir:other", &["--import", "data=/"], 0, ""),
        ("/=dir:other", &["--export", "/=data"], 0, ""),
    ];
    for (mount, flags, exit_code, said) in rows {
        let mut args = vec!["ok.wat", "--mount", mount];
        args.extend(*flags);
        let output = place.run(&args);
        assert_eq!(code(&output), *exit_code, "{mount} {flags:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{mount} {flags:?}: {}", stderr(&output));
        assert_eq!(place.text("data/file"), "precious", "{mount} {flags:?}");
        assert_eq!(place.text("data/d/file"), "precious", "{mount} {flags:?}");
    }
}

#[test]
fn a_batch_goes_on_whatever_a_job_does() {
    let place = Place::new(&[
        ("ok.wat", OK),
        ("exit.wat", EXIT),
        ("trap.wat", TRAP),
        ("loop.wat", LOOP),
        ("args.wat", ARGS),
        ("env.wat", ENV),
        ("cat.wat", CAT),
        ("out.wat", OUT),
        ("echo.wat", ECHO),
    ]);
    place.write("src/in", "imported");
    let results = place.batch(
        r#"{"name":"ok","program":"ok.wat"}

{"name":"exit","program":"exit.wat"}
{"name":"trap","program":"trap.wat"}
{"name":"loop","program":"loop.wat","timeout_ms":200}
{"name":"args","program":"args.wat","args":["a","ü"]}
{"name":"env","program":"env.wat","env":{"Z":"1","A":"2"}}
{"name":"missing","program":"nowhere.wasm"}
this is no JSON
{"name":"no program"}
{"name":"unknown","program":"ok.wat","mount":{}}
{"name":"kind","program":"ok.wat","mounts":{"/":"floppy:a"}}
{"name":"input","program":"echo.wat"}
{"name":"in","program":"cat.wat","mounts":{"z":"memory:m:ro","a":"memory:n"},"imports":{"z":"src"}}
{"name":"out","program":"out.wat","mounts":{".":"memory:m"},"exports":{".":"out"}}
{"name":"fresh","program":"cat.wat","mounts":{".":"memory:m"}}
"#,
    );
    // (name, exit code, standard output, what stands on standard error)
    let wanted: &[(&str, i64, &str, &str)] = &[
        ("ok", 0, "", ""),
        ("exit", 7, "", ""),
        ("trap", 134, "", "unreachable"),
        ("loop", 124, "", "200 ms"),
        ("args", 0, "args.wat\0a\0ü\0", ""),
        ("env", 0, "Z=1\0A=2\0", ""),
        ("missing", 127, "", "nowhere.wasm"),
        ("line 9", 125, "", "line 9"),
        ("no program", 125, "", "program"),
        ("unknown", 125, "", "mount"),
        ("kind", 125, "", "floppy"),
        ("input", 0, "", ""),
        ("in", 0, "imported", ""),
        ("out", 0, "", ""),
        // Errno 44: noent.
        ("fresh", 44, "", ""),
    ];
    assert_eq!(results.len(), wanted.len(), "{results:?}");
    for (result, (name, exit_code, out, said)) in results.iter().zip(wanted) {
        assert_eq!(result["name"], *name, "{result}");
        assert_eq!(result["exit_code"], *exit_code, "{result}");
        assert_eq!(result["stdout"], *out, "{result}");
        let error = result["stderr"].as_str().expect("text");
        assert!(error.contains(said) && error.is_empty() == said.is_empty(), "{result}");
        assert!(result["ms"].is_u64(), "{result}");
    }
    let trap = results[2]["stderr"].as_str().expect("text");
    assert!(trap.starts_with("oh\n"), "{trap}");
    assert_eq!(place.text("out/out"), "oh\n");

    // The same lines on standard input.
    let batch = fs::File::open(place.path("batch.jsonl")).expect("the batch");
    let output = place.command(&["--batch", "-"]).stdin(batch).output().expect("it starts");
    assert_eq!(stdout(&output).lines().count(), wanted.len());
}

#[test]
fn a_trace_has_a_line_for_each_call() {
    let place = Place::new(&[("cat.wat", CAT)]);
    place.write("data/in", "text");
    let lines = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    };
    let check = |trace: &[Value], answer: &str| {
        let open = trace.iter().find(|call| call["call"] == "descriptor.open-at").expect("open-at");
        assert_eq!(open["path"], "in");
        assert_eq!(open["answer"], answer);
        assert!(open["us"].as_f64().is_some_and(|us| us >= 0.0), "{open}");
    };
    place.run(&["cat.wat", "--mount", "/=dir:data", "--trace=calls"]);
    let trace = lines(&place.text("calls"));
    check(&trace, "ok");
    let read = trace.iter().find(|call| call["result"] == 4).expect("a read of four bytes");
    assert_eq!(read["answer"], "ok");
    let output = place.run(&["cat.wat", "--mount", "/=memory", "--trace"]);
    check(&lines(&stderr(&output)), "no-entry");
    // In a batch, each line says whose it is.
    place.write(
        "batch.jsonl",
        r#"{"name":"a \"b\"","program":"cat.wat","mounts":{"/":"dir:data"}}"#,
    );
    place.run(&["--batch", "batch.jsonl", "--trace=calls"]);
    let trace = lines(&place.text("calls"));
    check(&trace, "ok");
    assert!(trace.iter().all(|call| call["job"] == "a \"b\""));
    let output = place.run(&["cat.wat", "--mount", "/=memory", "--trace=no/folder"]);
    assert_eq!(code(&output), 125);
    assert!(stderr(&output).contains("no/folder"));
}

#[test]
fn help_shows_examples() {
    let place = Place::new(&[]);
    let output = place.run(&["--help"]);
    assert_eq!(code(&output), 0);
    for word in ["--mount", "--batch", "Examples:", "timeout_ms", "134"] {
        assert!(stdout(&output).contains(word), "{word}");
    }
    // The batch stands for a program and what it is given.
    for args in [&["ok.wat", "--batch", "x"][..], &["--batch", "x", "--mount", "/=memory"], &[]] {
        assert_eq!(code(&place.run(args)), 2, "{args:?}");
    }
}
