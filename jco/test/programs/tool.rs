//! A program that does one thing, chosen by its first argument.

use std::io::{self, IsTerminal, Read, Write};
use std::time::{Duration, Instant};
use std::{env, fs, process};

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().collect();
    let rest: Vec<&str> = args.iter().skip(2).map(String::as_str).collect();
    match (args.get(1).map_or("", String::as_str), &rest[..]) {
        // Adds one to the number in a file, and prints it.
        ("count", [file]) => {
            let before = fs::read_to_string(file).unwrap_or_default();
            let count = before.parse::<u32>().unwrap_or(0) + 1;
            fs::write(file, count.to_string())?;
            println!("{count}");
        }
        ("args", _) => println!("{args:?}"),
        ("env", _) => env::vars().for_each(|(name, value)| println!("{name}={value}")),
        // Copies stdin to stdout, byte by byte the same.
        ("cat", []) => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes)?;
            io::stdout().write_all(&bytes)?;
        }
        ("cat", [file]) => io::stdout().write_all(&fs::read(file)?)?,
        ("write", [file, text]) => fs::write(file, text)?,
        ("mkdir", [directory]) => fs::create_dir_all(directory)?,
        ("ls", [directory]) => {
            let mut names: Vec<_> = fs::read_dir(directory)?
                .map(|entry| Ok(entry?.file_name().into_string().expect("text")))
                .collect::<io::Result<_>>()?;
            names.sort();
            println!("{}", names.join(" "));
        }
        ("lines", [count]) => {
            for line in 0..count.parse::<u32>().expect("a number") {
                println!("{line}");
            }
        }
        ("sync-and-spin", [file, text]) => {
            let mut to = fs::File::create(file)?;
            to.write_all(text.as_bytes())?;
            to.sync_all()?;
            println!("spinning");
            loop {
                std::hint::spin_loop();
            }
        }
        ("write-and-spin", [file, text]) => {
            fs::write(file, text)?;
            println!("spinning");
            loop {
                std::hint::spin_loop();
            }
        }
        ("sleep", [ms]) => {
            let start = Instant::now();
            std::thread::sleep(Duration::from_millis(ms.parse().expect("a number")));
            println!("{}", start.elapsed().as_millis());
        }
        ("terminal", []) => {
            let (stdin, stdout) = (io::stdin().is_terminal(), io::stdout().is_terminal());
            println!("{stdin} {stdout}");
        }
        ("flood", []) => loop {
            io::stdout().write_all(&[b'~'; 50_000])?;
        },
        // Answers each line of stdin as it comes.
        ("echo", []) => {
            for line in io::stdin().lines() {
                println!("> {}", line?);
            }
        }
        ("panic", _) => panic!("as was asked"),
        ("exit", [code]) => process::exit(code.parse().expect("a number")),
        _ => panic!("what?"),
    }
    Ok(())
}
