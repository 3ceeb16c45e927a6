//! Volumes in files: what programs leave in them, and `wasi-opfs volume`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::place::{CAT, LOOP, OK, OUT, OUT_AND_EXIT, Place, SAY, SLEEP, code, stderr, stdout};

/// Writes `oh` to the file `out`, says so, and goes on for ever.
fn out_and(end: &str) -> String {
    format!("{OUT} {SAY} {end}")
}

#[test]
fn a_volume_keeps_what_a_program_wrote_however_it_ends() {
    let place = Place::new(&[
        ("out.wat", OUT),
        ("exit.wat", OUT_AND_EXIT),
        ("trap.wat", &out_and("unreachable")),
        ("loop.wat", &out_and(LOOP)),
        ("sleep.wat", &out_and(SLEEP)),
    ]);
    for (program, wanted) in
        [("out.wat", 0), ("exit.wat", 1), ("trap.wat", 134), ("loop.wat", 124), ("sleep.wat", 124)]
    {
        let mount = format!("/=volume:{program}.volume");
        let output = place.run(&[program, "--mount", &mount, "--timeout", "5000"]);
        assert_eq!(code(&output), wanted, "{program}: {}", stderr(&output));
        assert_eq!(place.ask(&["ls", "--mount", &mount]), "out\n", "{program}");
        assert_eq!(place.ask(&["cat", "--mount", &mount, "/out"]), "oh\n", "{program}");
    }
    // In a batch, the next program finds it.
    place.write("src/in", "imported");
    fs::write(place.path("cat.wat"), crate::place::program(CAT)).expect("a program");
    let results = place.batch(
        r#"{"name":"a","program":"out.wat","mounts":{"/":"volume:b"},"imports":{"/":"src"}}
{"name":"b","program":"cat.wat","mounts":{"/":"volume:b:ro"}}
"#,
    );
    assert_eq!(results[1]["stdout"], "imported", "{results:?}");
    assert_eq!(place.ask(&["ls", "--mount", "/=volume:b"]), "in\nout\n");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_program_and_a_kill_loses_a_second_at_most() {
    let place = Place::new(&[("loop.wat", &out_and(LOOP)), ("sleep.wat", &out_and(SLEEP))]);
    for (program, signal, wanted) in [
        ("sleep.wat", "-INT", Some(130)),
        ("loop.wat", "-INT", Some(130)),
        ("loop.wat", "-TERM", Some(143)),
        ("loop.wat", "-KILL", None),
    ] {
        let mount = format!("/=volume:{program}{signal}");
        let export = format!("/=export{signal}");
        let mut command = place.command(&[program, "--mount", &mount, "--export", &export]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        let said = child.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a line");
        assert_eq!(line, "oh\n");
        if signal == "-KILL" {
            // By now the program computes without a call, and somebody else writes.
            std::thread::sleep(Duration::from_secs(3));
        }
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        assert_eq!(child.wait().expect("it ends").code(), wanted, "{program} {signal}");
        assert_eq!(place.ask(&["cat", "--mount", &mount, "/out"]), "oh\n", "{program} {signal}");
        if signal != "-KILL" {
            assert_eq!(place.text(&format!("export{signal}/out")), "oh\n");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_import_leaves_a_whole_volume() {
    let place = Place::new(&[]);
    place.write("src/a/file", "text");
    // Reading it takes minutes.
    let endless = fs::File::create(place.path("src/endless")).expect("a file");
    endless.set_len(1 << 40).expect("a hole");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasi-opfs"));
    command.args(["import", "--json", "--mount", "/=volume:v", "src", "/"]);
    command.current_dir(place.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    for _ in 0..600 {
        if fs::metadata(place.path("v")).is_ok_and(|v| v.len() > 0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    assert!(stderr(&output).contains("it was interrupted"), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert_eq!(code(&place.tool(&["volume", "check", "v"])), 0);
}

#[test]
fn one_file_is_one_volume() {
    let place = Place::new(&[("out.wat", OUT), ("cat.wat", CAT)]);
    place.write("src/in", "imported");
    for second in ["/b=volume:v", "/b=volume:./src/../v", "/b=volume:v:ro"] {
        let _ = fs::remove_file(place.path("v"));
        let output = place.run(&[
            "cat.wat",
            "--mount",
            "/a=volume:v:ro",
            "--mount",
            second,
            "--import",
            "src=/b",
        ]);
        assert_eq!(stdout(&output), "imported", "{second}: {}", stderr(&output));
    }
    // A directory and a volume of one name are not mistaken for each other.
    let output = place.run(&["out.wat", "--mount", "/a=volume:v", "--mount", "/b=dir:v"]);
    assert_eq!(code(&output), 125);
    assert!(stderr(&output).contains("Not a directory"), "{}", stderr(&output));
}

#[test]
fn a_read_only_volume_is_not_changed() {
    let place = Place::new(&[("out.wat", OUT), ("cat.wat", CAT), ("sleep.wat", &out_and(SLEEP))]);
    let output = place.run(&["cat.wat", "--mount", "/=volume:v:ro"]);
    assert_eq!(code(&output), 125);
    assert!(stderr(&output).contains("No such file"), "{}", stderr(&output));
    for args in [
        &["ls", "--mount", "/=volume:v"][..],
        &["cat", "--mount", "/=volume:v", "/in"],
        &["export", "--mount", "/=volume:v", "/", "out"],
        &["volume", "info", "v"],
        &["volume", "compact", "v"],
        &["volume", "check", "--repair", "v"],
    ] {
        let output = place.tool(args);
        assert!([1, 8].contains(&code(&output)), "{args:?}");
        assert!(stderr(&output).to_lowercase().contains("no such file"), "{}", stderr(&output));
        assert!(!place.path("v").exists(), "{args:?} made it");
    }
    place.write("src/in", "imported");
    place.ask(&["import", "--mount", "/=volume:v", "src", "/"]);
    let before = fs::read(place.path("v")).expect("the volume");
    let ro = ["--mount", "/=volume:v:ro"];
    assert_eq!(stdout(&place.run(&["cat.wat", ro[0], ro[1]])), "imported");
    // Errno 63: perm.
    assert_eq!(code(&place.run(&["out.wat", ro[0], ro[1]])), 63);
    let output = place.tool(&["import", ro[0], ro[1], "src", "/d"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("a mount with ':ro' is not changed"), "{}", stderr(&output));
    assert_eq!(fs::read(place.path("v")).expect("the volume"), before);
    // Who only reads does not keep others from reading.
    let file = fs::File::open(place.path("v")).expect("the volume");
    file.lock_shared().expect("a lock");
    assert_eq!(place.ask(&["ls", "--mount", "/=volume:v"]), "in\n");
    assert_eq!(stdout(&place.run(&["cat.wat", ro[0], ro[1]])), "imported");
    assert_eq!(code(&place.run(&["cat.wat", "--mount", "/=volume:v"])), 125);
}

#[test]
fn a_volume_in_use_is_busy() {
    let place = Place::new(&[("ok.wat", OK)]);
    place.ask(&["volume", "create", "v"]);
    let file = fs::File::open(place.path("v")).expect("the volume");
    file.lock().expect("a lock");
    for (args, wanted) in [
        (&["run", "ok.wat", "--mount", "/=volume:v"][..], 125),
        (&["run", "ok.wat", "--mount", "/=volume:v:ro"], 125),
        (&["ls", "--mount", "/=volume:v"], 1),
        (&["import", "--mount", "/=volume:v", ".", "/"], 1),
        (&["volume", "info", "v"], 1),
        (&["volume", "check", "v"], 8),
        (&["volume", "check", "--repair", "v"], 8),
        (&["volume", "compact", "v"], 1),
    ] {
        let output = place.tool(args);
        assert_eq!(code(&output), wanted, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("'v' is in use; end the program"), "{}", stderr(&output));
    }
}

#[test]
fn volumes_are_made_and_described() {
    let place = Place::new(&[]);
    assert_eq!(place.ask(&["volume", "create", "v"]), "");
    let output = place.tool(&["volume", "create", "v"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("exists"), "{}", stderr(&output));
    let output = place.tool(&["volume", "create", "no/folder/v"]);
    assert!(stderr(&output).contains("check the path"), "{}", stderr(&output));
    let len = || fs::metadata(place.path("v")).expect("the volume").len();
    let (empty, empty_len) = (place.ask_json(&["volume", "info", "--json", "v"]), len());
    place.write("src/file", &"x".repeat(1 << 20));
    place.ask(&["import", "--mount", "/=volume:v", "src", "/"]);
    let full = place.ask_json(&["volume", "info", "--json", "v"]);
    let number = |line: &serde_json::Value, name: &str| line[name].as_u64().expect("a number");
    assert_eq!(empty["id"], full["id"]);
    assert_eq!(empty["id"].as_str().expect("text").len(), 32);
    assert_eq!(number(&full, "version"), 1);
    assert_eq!(number(&full, "objects"), number(&empty, "objects") + 1);
    assert_eq!(number(&full, "live"), number(&empty, "live") + (1 << 20));
    assert!(number(&full, "commits") > number(&empty, "commits"));
    for (line, len) in [(&empty, empty_len), (&full, len())] {
        let parts = ["live", "dead", "free", "reserved"].map(|name| number(line, name));
        assert_eq!(number(line, "size"), parts.iter().sum::<u64>());
        assert_eq!(number(line, "size"), len);
        let areas = line["areas"].as_array().expect("areas");
        assert!(areas.iter().all(|area| number(area, "len") >= 1 << 20), "{line}");
    }
    let text = place.ask(&["volume", "info", "v"]);
    assert!(text.contains(full["id"].as_str().expect("text")), "{text}");
    // Another one is another one.
    place.ask(&["volume", "create", "w"]);
    assert_ne!(place.ask_json(&["volume", "info", "--json", "w"])["id"], full["id"]);
}

#[test]
fn what_was_deleted_is_given_back() {
    let place = Place::new(&[]);
    let mount = ["--mount", "/=volume:v"];
    place.write("src/large", &"x".repeat(16 << 20));
    place.write("src/small", "small");
    place.write("over/large", "was large");
    place.ask(&["import", mount[0], mount[1], "src", "/"]);
    place.ask(&["import", mount[0], mount[1], "over", "/"]);
    let before = fs::metadata(place.path("v")).expect("the volume").len();
    assert!(before > 16 << 20);
    let line = place.ask_json(&["volume", "compact", "--json", "v"]);
    let after = fs::metadata(place.path("v")).expect("the volume").len();
    assert_eq!((line["before"].as_u64(), line["after"].as_u64()), (Some(before), Some(after)));
    assert!(after < 8 << 20, "{line}");
    assert_eq!(place.ask(&["cat", mount[0], mount[1], "/small", "/large"]), "smallwas large");
    assert_eq!(code(&place.tool(&["volume", "check", "v"])), 0);
    // There is nothing more to be had.
    let again = place.ask(&["volume", "compact", "v"]);
    assert!(again.contains("'v' takes"), "{again}");
}

#[test]
fn what_is_no_volume_is_refused_and_left_alone() {
    let place = Place::new(&[("ok.wat", OK)]);
    place.write("text", &"this is no volume\n".repeat(1000));
    place.ask(&["volume", "create", "newer"]);
    let mut bytes = fs::read(place.path("newer")).expect("the volume");
    for slot in [0, 4096] {
        bytes[slot + 8] = 2;
        let digest = xxh3_64(&bytes[slot..slot + 504]);
        bytes[slot + 504..slot + 512].copy_from_slice(&digest.to_le_bytes());
    }
    fs::write(place.path("newer"), &bytes).expect("written");
    fs::create_dir(place.path("folder")).expect("a folder");
    fs::File::create(place.path("empty")).expect("a file");
    // (file, what is said)
    for (file, said) in
        [("text", "volume check text"), ("newer", "a newer wasi-opfs"), ("folder", "directory")]
    {
        let before = fs::read(place.path(file)).ok();
        let mount = format!("/=volume:{file}");
        for (args, wanted) in [
            (&["run", "ok.wat", "--mount", &mount][..], 125),
            (&["ls", "--mount", &mount], 1),
            (&["volume", "info", file], 1),
            (&["volume", "compact", file], 1),
        ] {
            let output = place.tool(args);
            assert_eq!(code(&output), wanted, "{args:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        }
        for args in [&["volume", "check", file][..], &["volume", "check", "--repair", file]] {
            let output = place.tool(args);
            assert_eq!(code(&output), 8, "{args:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(file), "{args:?}: {}", stderr(&output));
        }
        assert_eq!(fs::read(place.path(file)).ok(), before, "{file}");
    }
    let output = place.tool(&["ls", "--mount", "/=volume:empty"]);
    assert!(stderr(&output).contains("there is no volume yet"), "{}", stderr(&output));
}

#[test]
fn damage_is_told_and_repaired() {
    let place = Place::new(&[("ok.wat", OK)]);
    let mount = ["--mount", "/=volume:v"];
    place.write("src/file", "precious");
    place.ask(&["import", mount[0], mount[1], "src", "/"]);
    let info = place.ask_json(&["volume", "info", "--json", "v"]);
    let area = info["areas"][0]["start"].as_u64().expect("a number");
    let commits = area + info["checkpoint"].as_u64().expect("a number");
    let clean = place.ask_json(&["volume", "check", "--json", "v"]);
    assert_eq!((&clean["state"], clean["files"].as_u64()), (&"clean".into(), Some(1)));
    // The first commit, which others follow.
    let mut bytes = fs::read(place.path("v")).expect("the volume");
    bytes[usize::try_from(commits).expect("small") + 60] ^= 1;
    fs::write(place.path("v"), &bytes).expect("written");
    let output = place.run(&["ok.wat", mount[0], mount[1]]);
    assert_eq!(code(&output), 125);
    assert!(stderr(&output).contains("damaged"), "{}", stderr(&output));
    assert!(stderr(&output).contains("'wasi-opfs volume check v'"), "{}", stderr(&output));
    let output = place.tool(&["volume", "check", "v"]);
    assert_eq!(code(&output), 4, "{}", stdout(&output));
    assert_eq!(fs::read(place.path("v")).expect("the volume"), bytes, "only looked at");
    let output = place.tool(&["volume", "check", "--repair", "--json", "v"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let line: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(line["state"], "repaired");
    let findings = line["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|finding| finding["repaired"] == true), "{line}");
    let output = place.tool(&["volume", "check", "v"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert_eq!(code(&place.run(&["ok.wat", mount[0], mount[1]])), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_harms_nothing() {
    let place = Place::new(&[]);
    let mount = ["--mount", "/=volume:v"];
    place.write("src/small", "small");
    place.write("large/large", &"x".repeat(30 << 20));
    place.ask(&["import", mount[0], mount[1], "src", "/"]);
    // Files of this process may not grow beyond 16 MiB: to it the disk is full there.
    let limited = "trap '' XFSZ; ulimit -f 32768; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_wasi-opfs")])
        .args(["import", mount[0], mount[1], "large", "/"])
        .current_dir(place.path("."))
        .output()
        .expect("it starts");
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("large': no space is left"), "{}", stderr(&output));
    assert!(stderr(&output).contains("make room"), "{}", stderr(&output));
    assert_eq!(code(&place.tool(&["volume", "check", "v"])), 0);
    assert_eq!(place.ask(&["cat", mount[0], mount[1], "/small"]), "small");
    place.ask(&["import", mount[0], mount[1], "large", "/"]);
    assert_eq!(place.ask(&["ls", mount[0], mount[1]]), "large\nsmall\n");
}
