//! What `run` copies in and out.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::place::{OK, OUT, OUT_AND_EXIT, Place, code, stderr};

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
