//! Opening and creating, and how many files may be open.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Result, ensure};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::{Check, Place, ended, fails, itself, path_text};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("O_EXCL has one winner", exclusive),
    ("flags of opening", flags),
    ("a mode that the opener could not open", own_mode),
    ("1,200 open files", many),
    ("ends that are not of a file", ends),
];

const NAMES: usize = 150;

/// One who wants to create each of them.
pub(super) fn create(folder: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for number in 0..NAMES {
        let made =
            OpenOptions::new().write(true).create_new(true).open(folder.join(number.to_string()));
        match made {
            Ok(_) => writeln!(out, "{number}")?,
            Err(error) => ensure!(
                error.raw_os_error() == Some(Errno::EXIST.raw_os_error()),
                "creating is {error}"
            ),
        }
    }
    Ok(())
}

fn exclusive(place: &Place) -> Result<()> {
    let folders = [&place.here, &place.here, &place.other];
    let running: Vec<_> = folders
        .iter()
        .map(|folder| itself(&["create", path_text(folder)?]))
        .collect::<Result<_>>()?;
    let mut won = Vec::new();
    for process in running {
        let numbers = ended(process)?;
        won.extend(numbers.lines().map(str::parse::<usize>).collect::<Result<Vec<_>, _>>()?);
    }
    won.sort_unstable();
    ensure!(won.iter().copied().eq(0..NAMES), "of {NAMES} files were created {}", won.len());
    Ok(())
}

fn flags(place: &Place) -> Result<()> {
    let path = place.at("f");
    let with = |flags: OFlags| {
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path)
    };
    fs::write(&path, "there")?;
    fails(with(OFlags::DIRECTORY), Errno::NOTDIR, "O_DIRECTORY of a file")?;
    let excl = OFlags::CREATE | OFlags::EXCL;
    fails(with(excl), Errno::EXIST, "O_EXCL of a file that is there")?;
    fs::remove_file(&path)?;
    symlink("nowhere", &path)?;
    fails(with(OFlags::NOFOLLOW), Errno::LOOP, "O_NOFOLLOW of a link")?;
    fails(with(excl), Errno::EXIST, "O_EXCL of a link to nothing")?;
    fails(fs::metadata(place.at("nowhere")), Errno::NOENT, "what the link leads to")?;
    fails(File::create(&place.here), Errno::ISDIR, "a directory to write to")?;
    let written = File::create(place.at("g"))?;
    fails(written.read_at(&mut [0], 0), Errno::BADF, "a read of what is open to write")?;
    let read = File::open(place.at("g"))?;
    fails(read.write_at(b"x", 0), Errno::BADF, "a write to what is open to read")?;
    fails(File::open(place.at("g/")), Errno::NOTDIR, "a file with a slash behind it")?;
    Ok(())
}

fn own_mode(place: &Place) -> Result<()> {
    // Whoever creates a file has it open whatever its mode says.
    for mode in [0, 0o400, 0o200] {
        let path = place.at(&format!("m{mode:o}"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(mode);
        let file = options.open(&path)?;
        file.write_all_at(b"written", 0)?;
        let mut bytes = [0; 7];
        file.read_exact_at(&mut bytes, 0)?;
        ensure!(&bytes == b"written", "it reads something else");
        let found = fs::metadata(&path)?.permissions().mode() & 0o7777;
        ensure!(found == mode, "the mode {mode:o} becomes {found:o}");
    }
    Ok(())
}

fn many(place: &Place) -> Result<()> {
    const COUNT: u32 = 1200;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let mut files = Vec::new();
    for number in 0..COUNT {
        let path = place.at(&format!("f{number}"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        file.write_all_at(&number.to_le_bytes(), u64::from(number))?;
        if number % 2 == 0 {
            fs::remove_file(path)?;
        }
        files.push(file);
    }
    for (number, file) in (0_u32..).zip(&files) {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, u64::from(number))?;
        ensure!(bytes == number.to_le_bytes(), "file {number} holds something else");
    }
    drop(files);
    let left = fs::read_dir(&place.here)?.count();
    ensure!(left == 600, "{left} of 600 names are left");
    fs::remove_dir_all(&place.here)?;
    Ok(())
}

fn ends(place: &Place) -> Result<()> {
    let path = place.at("pipe");
    // A pipe in the file system is between processes of one machine: the kernel's own.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )?;
    ensure!(fs::symlink_metadata(&path)?.file_type().is_fifo(), "it is no pipe");
    let text = std::thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(&path));
        fs::write(&path, "through the pipe")?;
        reader.join().map_err(|_| std::io::Error::other("the reader failed"))?
    })?;
    ensure!(text == b"through the pipe", "something else came out");
    let _socket = std::os::unix::net::UnixListener::bind(place.at("socket"))?;
    ensure!(fs::symlink_metadata(place.at("socket"))?.file_type().is_socket(), "it is no socket");
    std::os::unix::net::UnixStream::connect(place.at("socket"))?;
    Ok(())
}
