//! One long script of operations, each a line with what it was answered: whatever door and
//! backend it runs through, the lines are the same. The runner compares them, so the program
//! judges nothing, and prints no number that may differ: no inodes, times of the clock, sizes
//! of directories, order of entries.

#![expect(clippy::print_stdout, reason = "what a transcript is made of")]

mod data;
mod links;
mod listing;
mod mounts;
mod moving;
mod open_files;
mod opening;
mod paths;
mod say;
mod sys;
mod times;

fn main() -> std::io::Result<()> {
    for (name, section) in [
        ("paths", paths::section as fn() -> std::io::Result<()>),
        ("opening", opening::section),
        ("data", data::section),
        ("moving", moving::section),
        ("links", links::section),
        ("times", times::section),
        ("open files", open_files::section),
        ("listing", listing::section),
        ("mounts", mounts::section),
    ] {
        println!("== {name}");
        section()?;
    }
    Ok(())
}
