//! An image of the table, made piece by piece: first all objects in the order of their
//! slots, then all names. What changes meanwhile belongs into the image, too, as far as it
//! has got: whoever makes one adds it after each piece.

use super::{Body, Inode, Record, Table, slot};

/// How far an image has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::backend::volume) enum Cursor {
    /// It has the objects in the slots below.
    Inodes(u32),
    /// It has all objects, and the names in directories whose slot is lower; of the directory
    /// in this slot, those up to this cookie.
    Names(u32, u64),
}

impl Cursor {
    pub(in crate::backend::volume) const START: Self = Self::Inodes(0);
    pub(in crate::backend::volume) const END: Self = Self::Names(u32::MAX, u64::MAX);

    /// Whether the image has this object, if it was there.
    pub(super) fn is_past(self, ino: u64) -> bool {
        Self::Inodes(slot(ino)) < self
    }

    /// Whether the image has this name, if it was there.
    pub(super) fn is_past_entry(self, directory: u64, cookie: u64) -> bool {
        Self::Names(slot(directory), cookie) <= self
    }
}

impl Table {
    /// Appends records to `out` until it has `most` bytes, or a little more; answers where to
    /// go on. An object comes with all its extents.
    pub(in crate::backend::volume) fn image(
        &self,
        from: Cursor,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Cursor {
        let start = match from {
            Cursor::Inodes(start) => {
                for inode in self.iter_from(start) {
                    if out.len() >= most {
                        return Cursor::Inodes(slot(inode.ino));
                    }
                    image_of(inode, out);
                }
                Cursor::Names(0, 0)
            }
            names @ Cursor::Names(..) => names,
        };
        let Cursor::Names(first, mut after) = start else { return Cursor::END };
        for inode in self.iter_from(first) {
            let Some(directory) = inode.directory() else { continue };
            if slot(inode.ino) != first {
                after = 0;
            }
            for (cookie, entry) in directory.entries.after(after) {
                if out.len() >= most {
                    return Cursor::Names(slot(inode.ino), after);
                }
                after = cookie;
                let (ino, name) = (entry.ino, &entry.name[..]);
                Record::Enter { directory: inode.ino, cookie, ino, name }.encode(out);
            }
        }
        Cursor::END
    }
}

fn image_of(inode: &Inode, out: &mut Vec<u8>) {
    let ino = inode.ino;
    Record::Inode { ino, attr: inode.attr }.encode(out);
    if let Body::Symlink(target) = &inode.body {
        Record::Target { ino, target }.encode(out);
    }
    for (name, value) in inode.xattrs.iter().flat_map(|xattrs| xattrs.iter()) {
        Record::Xattr { ino, name, value }.encode(out);
    }
    for extent in inode.extents().into_iter().flat_map(super::Extents::iter) {
        Record::Map { ino, extent }.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::volume::codec::Reader;
    use crate::backend::volume::space::Run;
    use crate::backend::volume::table::{Attr, Extent, Mapping, ROOT};
    use crate::backend::{Fresh, Kind};
    use crate::path::Name;

    /// Xorshift, by a seed that a failure names.
    struct Random(u64);

    impl Random {
        fn below(&mut self, below: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % below
        }
    }

    fn attr(kind: Kind) -> Attr {
        Attr { kind, ..crate::backend::volume::new_attr(Fresh::FILE, 1) }
    }

    /// One operation on a table: something comes, goes, moves, or changes.
    fn operate(table: &mut Table, random: &mut Random) {
        let all: Vec<_> = table.iter().map(|inode| (inode.ino, inode.attr.kind)).collect();
        #[allow(clippy::cast_possible_truncation)] // Few.
        let pick = |random: &mut Random| all[random.below(all.len() as u64) as usize];
        let ((one, kind), (other, _)) = (pick(random), pick(random));
        let name = Name::new(format!("n{}", random.below(20)).as_bytes()).expect("a name");
        let free = table.get(other).is_some_and(|inode| inode.directory().is_some())
            && table.find(other, &name).is_none();
        match random.below(8) {
            0..3 if free => {
                let kind = [Kind::File, Kind::Directory, Kind::Symlink]
                    [usize::try_from(random.below(3)).expect("small")];
                let made = table.make(attr(kind)).expect("room");
                if kind == Kind::Symlink {
                    table.set_target(made, b"target").expect("a link");
                    table.changes.target(6);
                }
                table.enter(other, &name, made, 2).expect("a directory");
            }
            3 | 4 => {
                let Some(directory) = table.get(one).and_then(Inode::directory) else { return };
                let Some((cookie, entry)) = directory.entries.after(0).next() else { return };
                let (child, moves) = (entry.ino, random.below(2) == 0);
                let inode = table.get(child).expect("an object");
                let empty = inode.directory().is_none_or(|found| found.entries.is_empty());
                if moves && free && !table.contains(child, other) {
                    table.leave(one, cookie, 3).expect("an entry");
                    table.enter(other, &name, child, 3).expect("a directory");
                } else if !moves && empty {
                    table.leave(one, cookie, 3).expect("an entry");
                    table.forget(child).expect("an object");
                }
            }
            5 if kind == Kind::File => {
                let start = u32::try_from(2 + random.below(1000)).expect("small");
                let extent = Extent { at: random.below(9), run: Run { start, count: 2 } };
                table.map(one, Mapping::Data(extent), &mut |_| {}).expect("a file");
            }
            6 if kind == Kind::File => {
                let hole = Mapping::Hole(random.below(5), 7);
                table.map(one, hole, &mut |_| {}).expect("a file");
            }
            7 => {
                let value = (random.below(3) > 0).then_some(&b"value"[..]);
                table.set_xattr(one, b"name", value).expect("an object");
                table.change(one).expect("an object").attr.mode += 1;
            }
            _ => {}
        }
    }

    #[test]
    fn an_image_made_between_commits_is_the_last_state() {
        for seed in 1..300_u64 {
            let mut random = Random(seed);
            let mut table = Table::new(seed);
            table.make(attr(Kind::Directory)).expect("room");
            for _ in 0..60 {
                operate(&mut table, &mut random);
            }
            table.take_changes(&mut Vec::new());
            let (mut records, mut cursor) = (Vec::new(), Cursor::START);
            while cursor < Cursor::END {
                let most = records.len() + 1 + usize::try_from(random.below(300)).expect("small");
                cursor = table.image(cursor, most, &mut records);
                for _ in 0..random.below(12) {
                    operate(&mut table, &mut random);
                }
                table.changes_of_image(cursor, &mut records);
                table.take_changes(&mut Vec::new());
            }
            let mut copy = Table::new(0);
            let mut reader = Reader(&records);
            while !reader.is_empty() {
                let record = Record::decode(&mut reader).expect("a record");
                let replayed = copy.replay(&record, 1, &mut std::collections::BTreeMap::new());
                replayed.unwrap_or_else(|error| panic!("seed {seed}: {} {record:?}", error.0));
            }
            let whole = |table: &Table| {
                let mut out = Vec::new();
                table.image(Cursor::START, usize::MAX, &mut out);
                out
            };
            copy.settle(1).unwrap_or_else(|error| panic!("seed {seed}: {}", error.0));
            assert!(whole(&copy) == whole(&table), "seed {seed}");
            assert!(whole(&table).len() as u64 <= table.image_bytes(), "seed {seed}");
            assert!(copy.get(ROOT).is_some());
        }
    }
}
