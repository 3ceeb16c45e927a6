//! What `run` prints and exits with, and what programs are given.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{
    ARGS, AWAIT, CAT, ECHO, ENV, EXIT, LOOP, OK, OUT, Place, SAY, SLEEP, TRAP, code, exporting,
    stderr, stdout,
};

/// The two ways to run a preview1 module.
const WAYS: [&[&str]; 2] = [&[], &["--adapter"]];

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
        ("component.wasm", 126, "not a program for WASI 0.2"),
    ] {
        for way in WAYS {
            let output = place.run(&[&[program], way].concat());
            assert_eq!(code(&output), wanted, "{program}: {}", stderr(&output));
            assert!(stderr(&output).contains(said), "{program}: {}", stderr(&output));
            assert_eq!(said.is_empty(), stderr(&output).is_empty(), "{program}");
            let own = if program == "trap.wat" { "oh\n" } else { "" };
            assert!(stderr(&output).starts_with(own), "the program's own comes first");
        }
    }
}

#[test]
fn a_module_that_is_no_program_is_told_why() {
    let place = Place::new(&[]);
    let import = |from: &str, name: &str, kind: &str| {
        format!(r#"(module (import "{from}" "{name}" {kind}) (func (export "_start")))"#)
    };
    let preview1 = "wasi_snapshot_preview1";
    let fault = format!(
        r#"(module (import "{preview1}" "clock_res_get" (func $res (param i32 i32) (result i32)))
          (func (export "_start") (drop (call $res (i32.const 0) (i32.const 0)))))"#
    );
    let unknown = |name: &str| format!("it imports '{name}', which WASI preview1 does not have");
    // (module, exit code, standard output, what stands on standard error)
    for (module, wanted, out, said) in [
        ("(module)".to_owned(), 126, "", "neither '_start' nor '_initialize'".to_owned()),
        (import("env", "f", "(func)"), 126, "", unknown("env.f")),
        (import("env", "memory", "(memory 1)"), 126, "", unknown("env.memory")),
        (import(preview1, "fd_fly", "(func)"), 126, "", unknown(&format!("{preview1}.fd_fly"))),
        (import(preview1, "fd_read", "(func)"), 126, "", "not a program for WASI preview1".into()),
        (exporting("_initialize", SAY), 0, "oh\n", "is a reactor".to_owned()),
        (exporting("_initialize", EXIT), 7, "", String::new()),
        (exporting("_initialize", TRAP), 134, "", "unreachable".to_owned()),
        (exporting("main", SAY), 126, "", "neither '_start' nor '_initialize'".to_owned()),
        // Without a memory there is nothing to answer into.
        (fault, 134, "", "exports no memory".to_owned()),
    ] {
        place.write("module.wat", &module);
        let output = place.run(&["module.wat", "--mount", "/=memory"]);
        assert_eq!(code(&output), wanted, "{module}: {}", stderr(&output));
        assert_eq!(stdout(&output), out, "{module}");
        assert!(stderr(&output).contains(&said), "{module}: {}", stderr(&output));
        assert_eq!(said.is_empty(), stderr(&output).is_empty(), "{module}");
    }
}

#[test]
fn a_component_of_another_wasi_is_told_what_it_wants() {
    for name in [
        "wasi:filesystem/types@0.3.0",
        "wasi:filesystem/other@0.2.0",
        "wasi:clocks/monotonic-clock@0.2.0-rc-2023-11-10",
        "my:own/thing@0.2.0",
    ] {
        let place = Place::new(&[]);
        let import = format!("(import \"{name}\" (instance (export \"f\" (func))))");
        place.write("other.wasm", &format!("(component {import})"));
        let output = place.run(&["other.wasm"]);
        assert_eq!(code(&output), 126, "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("it is not a program for WASI 0.2: "), "{said}");
        assert!(said.contains(&format!("`{name}`")), "{said}");
    }
}

#[test]
fn arguments_environment_and_input_reach_the_program() {
    let place = Place::new(&[("args.wat", ARGS), ("env.wat", ENV), ("echo.wat", ECHO)]);
    place.write("input", "hello\n");
    for way in WAYS {
        let run = |args: &[&str]| place.command(&[way, args].concat());
        let output = place.run(&[way, &["args.wat", "--", "a b", "--mount", ""]].concat());
        assert_eq!(stdout(&output), "args.wat\0a b\0--mount\0\0");
        let output = place.run(&[way, &["env.wat", "--env", "B=1=2", "--env", "A="]].concat());
        assert_eq!(stdout(&output), "B=1=2\0A=\0");
        let input = fs::File::open(place.path("input")).expect("the input");
        let output = run(&["echo.wat"]).stdin(input).output().expect("it starts");
        assert_eq!(stdout(&output), "hello\n");
    }
}

#[test]
fn input_that_comes_late_is_waited_for() {
    let place = Place::new(&[("await.wat", AWAIT)]);
    for way in WAYS {
        let mut command = place.command(&[way, &["await.wat"]].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().expect("its state").is_none(), "it waits");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(b"late\n").expect("it reads");
        let output = child.wait_with_output().expect("its end");
        assert_eq!((code(&output), stdout(&output)), (0, "late\n".to_owned()));
        drop(stdin);
        // The end of the input is waited for, too.
        assert_eq!(stdout(&place.run(&[way, &["await.wat"]].concat())), "");
    }
}

#[test]
fn a_program_that_computes_or_waits_is_ended() {
    let place =
        Place::new(&[("loop.wat", LOOP), ("sleep.wat", SLEEP), ("in.wat", ECHO), ("ok.wat", OK)]);
    for program in ["loop.wat", "sleep.wat", "in.wat"] {
        for way in WAYS {
            let start = Instant::now();
            let args = [&[program, "--timeout", "300"], way].concat();
            // Nobody writes anything.
            let mut command = place.command(&args);
            let (input, _writer) = std::io::pipe().expect("a pipe");
            let output = command.stdin(input).output().expect("it starts");
            assert_eq!(code(&output), 124, "{program}");
            assert!(stderr(&output).contains("ended after 300 ms"), "{}", stderr(&output));
            assert!(start.elapsed() < Duration::from_secs(20), "{program}");
        }
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
{"name":"adapted","program":"args.wat","adapter":true,"args":["a"]}
{"name":"env","program":"env.wat","env":{"Z":"1","A":"2"}}
{"name":"missing","program":"nowhere.wasm"}
this is no JSON
{"name":"no program"}
{"name":"unknown","program":"ok.wat","mount":{}}
{"name":"no choice","program":"ok.wat","adapter":1}
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
        ("adapted", 0, "args.wat\0a\0", ""),
        ("env", 0, "Z=1\0A=2\0", ""),
        ("missing", 127, "", "nowhere.wasm"),
        ("line 10", 125, "", "line 10"),
        ("no program", 125, "", "program"),
        ("unknown", 125, "", "mount"),
        ("no choice", 125, "", "expected a boolean"),
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
    let check = |trace: &[Value], open: &str, answer: &str| {
        let open = trace.iter().find(|call| call["call"] == open).expect(open);
        assert_eq!(open["path"], "in");
        assert_eq!(open["answer"], answer);
        assert!(open["us"].as_f64().is_some_and(|us| us >= 0.0), "{open}");
    };
    for (way, open, missing) in
        [(WAYS[0], "path_open", "noent"), (WAYS[1], "descriptor.open-at", "no-entry")]
    {
        let args = ["cat.wat", "--mount", "/=dir:data", "--trace=calls"];
        place.run(&[&args[..], way].concat());
        let trace = lines(&place.text("calls"));
        check(&trace, open, "ok");
        let read = trace.iter().find(|call| call["result"] == 4).expect("a read of four bytes");
        assert_eq!(read["answer"], "ok");
        let args = ["cat.wat", "--mount", "/=memory", "--trace"];
        let output = place.run(&[&args[..], way].concat());
        check(&lines(&stderr(&output)), open, missing);
    }
    // In a batch, each line says whose it is.
    place.write(
        "batch.jsonl",
        r#"{"name":"a \"b\"","program":"cat.wat","mounts":{"/":"dir:data"}}"#,
    );
    place.run(&["--batch", "batch.jsonl", "--trace=calls"]);
    let trace = lines(&place.text("calls"));
    check(&trace, "path_open", "ok");
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
