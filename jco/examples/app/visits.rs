//! Adds a line to a file, and prints the file.

use std::fs::{File, read_to_string};
use std::io::{Result, Write};

fn main() -> Result<()> {
    let who = std::env::args().nth(1).unwrap_or_default();
    let mut file = File::options().append(true).create(true).open("/visits.txt")?;
    writeln!(file, "the {who} was here")?;
    print!("{}", read_to_string("/visits.txt")?);
    Ok(())
}
