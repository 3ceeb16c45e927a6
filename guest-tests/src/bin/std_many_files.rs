//! Three hundred files in one directory are listed, read, renamed and removed, and many of
//! them can be open at once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};

use guest_tests::expect;

const FILES: usize = 300;

fn names(dir: &str) -> io::Result<BTreeSet<String>> {
    let names = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().into_string()));
    names.map(|name| name.map(|name| name.expect("names are Unicode here"))).collect()
}

fn main() -> io::Result<()> {
    fs::create_dir("work/many")?;
    for number in 0..FILES {
        fs::write(format!("work/many/{number}"), number.to_string())?;
    }
    let expected: BTreeSet<_> = (0..FILES).map(|number| number.to_string()).collect();
    expect("names", expected, names("work/many")?);
    let mut open = Vec::new();
    for number in 0..100 {
        open.push(File::open(format!("work/many/{number}"))?);
    }
    for number in (0..FILES).step_by(3) {
        fs::rename(format!("work/many/{number}"), format!("work/many/new-{number}"))?;
    }
    for number in (1..FILES).step_by(3) {
        fs::remove_file(format!("work/many/{number}"))?;
    }
    for (number, mut file) in open.into_iter().enumerate() {
        let mut content = String::new();
        file.read_to_string(&mut content)?;
        expect("content of an open file", number.to_string(), content);
    }
    let left = (0..FILES).filter_map(|number| match number % 3 {
        0 => Some(format!("new-{number}")),
        1 => None,
        _ => Some(number.to_string()),
    });
    let left: BTreeSet<_> = left.collect();
    expect("names", left.clone(), names("work/many")?);
    for name in left {
        let number = name.trim_start_matches("new-");
        expect("content", number.to_owned(), fs::read_to_string(format!("work/many/{name}"))?);
    }
    fs::remove_dir_all("work/many")
}
