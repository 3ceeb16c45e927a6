//! Files of mounts without a program: `ls`, `cat`, `import` and `export`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::place::{Place, code, stderr, stdout};

/// Every file below a folder: what it is, holds and says of itself.
#[cfg(unix)]
fn tree(top: &Path) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt;
    let mut found = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(top).expect("below").display().to_string();
            let it = fs::symlink_metadata(&path).expect("metadata");
            let what = if it.is_symlink() {
                format!("link to {}", fs::read_link(&path).expect("a link").display())
            } else if it.is_dir() {
                folders.push(path);
                format!("{:o} {}.{}", it.mode(), it.mtime(), it.mtime_nsec())
            } else {
                // Which of the names are of one file, whatever its number is.
                let group = inodes.entry(it.ino()).or_insert_with(Vec::new);
                group.push(name.clone());
                let bytes = fs::read(&path).expect("content");
                let digest = xxhash_rust::xxh3::xxh3_64(&bytes);
                let (links, size) = (it.nlink(), bytes.len());
                let sparse = it.blocks() * 512 < it.len();
                format!(
                    "{:o} {}.{} {links} links, {size} bytes {digest:x}, sparse: {sparse}",
                    it.mode(),
                    it.mtime(),
                    it.mtime_nsec()
                )
            };
            found.insert(name, what);
        }
    }
    for group in inodes.values_mut().filter(|group| group.len() > 1) {
        group.sort();
        found.insert(format!("one file {}", group.join(" ")), String::new());
    }
    found
}

/// A tree with all that is kept.
#[cfg(unix)]
fn sample(place: &Place) {
    use std::io::{Seek, SeekFrom, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    place.write("src/d/e/file", "text");
    place.write("src/d/tool", &"x".repeat(600_000));
    place.write("src/ü \u{7}", "");
    fs::create_dir(place.path("src/empty")).expect("a folder");
    symlink("d/e/file", place.path("src/link")).expect("a link");
    symlink("../nowhere", place.path("src/d/dangling")).expect("a link");
    fs::hard_link(place.path("src/d/tool"), place.path("src/another")).expect("a link");
    let mut sparse = fs::File::create(place.path("src/sparse")).expect("a file");
    sparse.seek(SeekFrom::Start(3 << 20)).expect("seek");
    sparse.write_all(b"in the middle").expect("written");
    sparse.set_len(5 << 20).expect("a hole at the end");
    for (name, mode) in
        [("d/tool", 0o750), ("d/e/file", 0o400), ("empty", 0o700), ("d", 0o711), ("sparse", 0o644)]
    {
        let path = place.path("src").join(name);
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode");
    }
    for (name, seconds) in [("d/e/file", 1_000_000_000), ("d/tool", 77), ("d", 1_234_567_890)] {
        let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
        let file = fs::File::open(place.path("src").join(name)).expect(name);
        file.set_modified(time).expect(name);
    }
}

#[cfg(unix)]
#[test]
fn a_tree_comes_out_as_it_went_in() {
    let place = Place::new(&[]);
    sample(&place);
    fs::create_dir(place.path("held")).expect("a folder");
    let wanted = tree(&place.path("src"));
    assert!(wanted.keys().any(|name| name.starts_with("one file")), "{wanted:?}");
    assert!(wanted["sparse"].ends_with("true"), "{wanted:?}");
    for kind in ["volume:v", "dir:held"] {
        let mount = format!("/m={kind}");
        let into = ["import", "--mount", &mount, "--json", "src", "/m/a/b"];
        let counts = place.ask_json(&into);
        let number = |name: &str| counts[name].as_u64();
        assert_eq!(number("files"), Some(4), "{counts}");
        assert_eq!((number("directories"), number("links")), (Some(3), Some(3)), "{counts}");
        assert_eq!(number("bytes"), Some(4 + 600_000 + (5 << 20)), "{counts}");
        let out = format!("out-{}", &kind[..3]);
        let from = ["export", "--mount", &mount, "--json", "/m/a/b", &out];
        assert_eq!(place.ask_json(&from), counts, "{kind}");
        assert_eq!(tree(&place.path(&out)), wanted, "{kind}");
        // Once more onto what is there, in both directions.
        assert_eq!(place.ask_json(&into)["files"], counts["files"], "{kind}");
        assert_eq!(place.ask_json(&from)["files"], counts["files"], "{kind}");
        assert_eq!(tree(&place.path(&out)), wanted, "{kind}");
    }
    // Holes cost nothing inside either.
    let info = place.ask_json(&["volume", "info", "--json", "v"]);
    assert!(info["live"].as_u64().expect("a number") < 1 << 20, "{info}");
}

#[cfg(unix)]
#[test]
fn listings_show_what_there_is() {
    let place = Place::new(&[]);
    sample(&place);
    let mount = ["--mount", "/=volume:v"];
    place.ask(&["import", mount[0], mount[1], "src", "/"]);
    let ls = |args: &[&str]| place.ask(&[&["ls", mount[0], mount[1]], args].concat());
    let all = "another\nd\nempty\nlink\nsparse\nü \\u{7}\n";
    assert_eq!(ls(&[]), all);
    assert_eq!(ls(&["/"]), all);
    assert_eq!(ls(&["/d/e"]), "file\n");
    assert_eq!(ls(&["/d/e/file"]), "/d/e/file\n");
    assert_eq!(ls(&["/empty"]), "");
    assert_eq!(ls(&["-R", "/d"]), "dangling\ne\ne/file\ntool\n");
    let long = ls(&["-l", "/d"]);
    let lines: Vec<Vec<_>> = long.lines().map(|line| line.split_whitespace().collect()).collect();
    let [dangling, e, tool] = &lines[..] else { panic!("{long}") };
    assert_eq!(
        (dangling[0], &dangling[7..]),
        ("lrwxrwxrwx", &["dangling", "->", "../nowhere"][..])
    );
    assert_eq!(e[0], "drwxr-xr-x");
    assert_eq!((tool[0], tool[1], tool[4]), ("-rwxr-x---", "2", "600000"));
    assert_eq!(tool[5..], ["1970-01-01", "00:01:17", "tool"]);
    // A link is followed to a directory, and shown with -l.
    assert!(ls(&["-l", "/link"]).ends_with(" /link -> d/e/file\n"));
    let json = ls(&["-R", "--json"]);
    let lines: Vec<Value> =
        json.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |path: &str| lines.iter().find(|line| line["path"] == path).expect(path);
    assert_eq!(of("d/e/file")["modified"], "2001-09-09T01:46:40.123456789Z");
    assert_eq!(of("d/e/file")["mode"], "0400");
    assert_eq!(of("sparse")["size"].as_u64(), Some(5 << 20));
    assert_eq!(of("sparse")["allocated"].as_u64(), Some(4096));
    assert_eq!(
        (&of("link")["kind"], &of("link")["target"]),
        (&"symlink".into(), &"d/e/file".into())
    );
    assert_eq!(of("empty").get("target"), None);
    assert_eq!(of("ü \u{7}")["kind"], "file");
}

#[test]
fn a_listing_sees_the_tree_of_mounts() {
    let place = Place::new(&[]);
    place.write("data/file", "text");
    place.write("src/file", "text");
    fs::create_dir(place.path("src/point")).expect("a folder");
    place.ask(&["import", "--mount", "/=volume:v", "src", "/"]);
    let both = ["ls", "-R", "--mount", "/=volume:v", "--mount", "/point=dir:data"];
    assert_eq!(place.ask(&both), "file\npoint\npoint/file\n");
    assert_eq!(place.ask(&["ls", "--mount", "data=dir:data"]), "file\n");
    assert_eq!(place.ask(&["ls", "--mount", "data=dir:data", "data/file"]), "data/file\n");
    // (arguments, what is said)
    let rows: &[(&[&str], i32, &str)] = &[
        (&["--mount", "/=dir:data", "/no"], 1, "cannot list '/no': no such file"),
        (&["--mount", "/a=dir:data", "/b"], 1, "no mount has it; there are '/a'"),
        (&["--mount", "/=dir:data", "/../x"], 1, "not permitted"),
        (&["--mount", "/=dir:nowhere"], 1, "create it first"),
        (&["--mount", "/=floppy:a"], 2, "no kind of mount"),
        (&["--mount", "/=volume:"], 2, "names no file; give it as volume:FILE"),
        (&["/"], 2, "--mount"),
    ];
    for (args, wanted, said) in rows {
        let output = place.tool(&[&["ls"], *args].concat());
        assert_eq!(code(&output), *wanted, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn files_are_written_to_standard_output() {
    let place = Place::new(&[]);
    place.write("data/a", "first\n");
    place.write("data/d/b", &"x".repeat(700_000));
    let mount = ["--mount", "/=dir:data"];
    let both = place.ask(&["cat", mount[0], mount[1], "/a", "/d/b"]);
    assert_eq!(both, format!("first\n{}", "x".repeat(700_000)));
    let output = place.tool(&["cat", mount[0], mount[1], "/no", "/d", "/", "/a"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (1, "first\n"));
    for said in [
        "cannot read '/no': no such file or directory; 'wasi-opfs ls' shows what is there",
        "cannot read '/d': is a directory; give the path of a file",
        "cannot read '/': is a directory",
    ] {
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn who_stops_reading_is_not_complained_about() {
    let place = Place::new(&[]);
    place.write("data/large", &"x".repeat(4 << 20));
    let output = std::process::Command::new("sh")
        .args(["-c", "\"$0\" cat --mount /=dir:data /large | head -c 3"])
        .arg(env!("CARGO_BIN_EXE_wasi-opfs"))
        .current_dir(place.path("."))
        .output()
        .expect("it starts");
    assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("xxx", ""));
}

#[test]
fn a_single_file_goes_where_it_is_told() {
    let place = Place::new(&[]);
    place.write("file", "text");
    place.write("here/stays", "");
    let mount = ["--mount", "/m=volume:v"];
    // (target, where it gets to)
    for (target, found) in [
        ("/m", "/m/file"),
        ("/m/new", "/m/new"),
        ("/m/a/b/new", "/m/a/b/new"),
        ("/m/a", "/m/a/file"),
        ("/m/made/", "/m/made/file"),
        ("/m/new", "/m/new"),
    ] {
        place.ask(&["import", mount[0], mount[1], "file", target]);
        assert_eq!(place.ask(&["cat", mount[0], mount[1], found]), "text", "{target}");
    }
    for (source, target, found) in [
        ("/m/new", "out", "out"),
        ("/m/new", "here", "here/new"),
        ("/m/a/b/new", "made/", "made/new"),
        ("/m/a/b/new", "deep/er/file", "deep/er/file"),
        ("/m/new", "out", "out"),
    ] {
        place.ask(&["export", mount[0], mount[1], source, target]);
        assert_eq!(place.text(found), "text", "{source} {target}");
    }
    fs::create_dir_all(place.path("way/new")).expect("a folder");
    // (arguments, what is said)
    let rows: &[(&[&str], &str)] = &[
        (&["import", "nowhere", "/m"], "cannot import 'nowhere' to '/m': No such file"),
        (&["import", "file", "/m/new/x"], "is not a directory"),
        (&["import", "here", "/m/new"], "is not a directory"),
        (&["import", "file", "/other"], "no mount has it"),
        (&["export", "/m/no", "out"], "cannot export '/m/no' to 'out': no such file"),
        (&["export", "/m/new", "way"], "a directory of this name is in the way"),
        (&["export", "/m/a", "file"], "cannot export '/m/a' to 'file'"),
    ];
    for (args, said) in rows {
        let output = place.tool(&[&args[..1], &mount, &args[1..]].concat());
        assert_eq!(code(&output), 1, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(place.text("file"), "text");
}

#[test]
fn every_command_has_help_with_examples() {
    let place = Place::new(&[]);
    for command in [
        &["ls"][..],
        &["cat"],
        &["import"],
        &["export"],
        &["volume", "create"],
        &["volume", "info"],
        &["volume", "check"],
        &["volume", "compact"],
    ] {
        let help = place.ask(&[command, &["--help"]].concat());
        assert!(help.contains("Example") && help.contains("Exit code: 0"), "{command:?}: {help}");
        assert!(help.lines().all(|line| line.len() <= 100), "{command:?}: {help}");
        assert_eq!(code(&place.tool(command)), 2, "{command:?}");
    }
    let all = place.ask(&["--help"]);
    for command in ["run", "ls", "cat", "import", "export", "volume"] {
        assert!(all.contains(&format!("\n  {command} ")), "{all}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode_come_back() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new(&[]);
    let odd = OsStr::from_bytes(b"a\xffb");
    place.write("src/aa", "1");
    place.write("src/zz", "2");
    fs::create_dir(place.path("src").join(odd)).expect("a directory");
    fs::write(place.path("src").join(odd).join(odd), "odd").expect("a file");
    place.ask(&["import", "--mount", "/=volume:v", "src", "/"]);
    place.ask(&["export", "--mount", "/=volume:v", "/", "out"]);
    assert_eq!((place.text("out/aa"), place.text("out/zz")), ("1".to_owned(), "2".to_owned()));
    let found = fs::read_to_string(place.path("out").join(odd).join(odd));
    assert_eq!(found.expect("the file"), "odd");
    let listed = place.ask(&["ls", "-R", "--mount", "/=volume:v"]);
    assert_eq!(listed, "aa\na\u{fffd}b\na\u{fffd}b/a\u{fffd}b\nzz\n");
}

#[cfg(unix)]
#[test]
fn a_volume_is_not_copied_into_itself_or_over_itself() {
    let place = Place::new(&[]);
    place.write("here/readme", "text");
    place.write("other/v", "not the volume");
    place.ask(&["volume", "create", "here/v"]);
    let mount = ["--mount", "/=volume:here/v"];
    for args in [["import", "here", "/"], ["import", "here/v", "/self"]] {
        let output = place.tool(&[&args[..1], &mount[..], &args[1..]].concat());
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains("a volume that is mounted"), "{}", stderr(&output));
    }
    place.ask(&["import", mount[0], mount[1], "other", "/"]);
    let output = place.tool(&["export", mount[0], mount[1], "/", "here"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("a volume that is mounted"), "{}", stderr(&output));
    assert!(place.ask(&["volume", "check", "here/v"]).contains("clean"));
}
