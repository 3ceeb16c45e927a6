//! What `run` prints and exits with, and what programs are given.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{
    ARGS, CAT, ECHO, ENV, EXIT, LOOP, OK, OUT, Place, SLEEP, TRAP, code, stderr, stdout,
};

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
