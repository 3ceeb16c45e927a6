//! The bound of what is stored, which other backends have from their storage.

use pollster::block_on;

use super::Model;
use crate::backend::{Access, Backend, Fresh, Position, Removal, Source};
use crate::error::ErrorCode;
use crate::path::Name;

const BOTH: Access = Access { read: true, write: true };
const FULL: Option<ErrorCode> = Some(ErrorCode::InsufficientSpace);

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).expect("a name")
}

fn create(model: &Model, called: &str) -> Result<(), ErrorCode> {
    block_on(model.create(&model.root(), &name(called), Fresh::FILE, BOTH)).map(drop)
}

#[test]
fn names_have_an_end() {
    let model = Model::with_limit(16 * 1024);
    let root = model.root();
    for number in 0..16 {
        assert_eq!(create(&model, &format!("f{number}")), Ok(()));
    }
    assert_eq!(create(&model, "more").err(), FULL);
    assert_eq!(block_on(model.make_directory(&root, &name("d"), Fresh::DIRECTORY)).err(), FULL);
    let old = block_on(model.walk(&root, &[name("f0")])).expect("walked").node;
    assert_eq!(block_on(model.link(&old, &root, &name("hard"))).err(), FULL);
    // A rename needs no room, and gives some back where it replaces something.
    block_on(model.rename(&root, &name("f0"), &root, &name("new"))).expect("renamed");
    block_on(model.rename(&root, &name("new"), &root, &name("f1"))).expect("renamed");
    let target = [b'x'; 100];
    let link = block_on(model.symlink(&root, &name("link"), &target, Fresh::FILE));
    assert_eq!(link.err(), FULL);
    block_on(model.remove(&root, &name("f1"), Removal::File)).expect("removed");
    block_on(model.symlink(&root, &name("link"), &target, Fresh::FILE)).expect("a link");
    assert_eq!(create(&model, "more").err(), FULL);
    block_on(model.remove(&root, &name("link"), Removal::File)).expect("removed");
    assert_eq!((create(&model, "one"), create(&model, "two")), (Ok(()), Ok(())));
    // A refused name costs nothing.
    assert_eq!(create(&model, "one").err(), FULL);
    block_on(model.remove(&root, &name("two"), Removal::File)).expect("removed");
    for _ in 0..3 {
        assert_eq!(create(&model, "one"), Err(ErrorCode::Exist));
    }
    assert_eq!(create(&model, "two"), Ok(()));
}

#[test]
fn content_has_an_end() {
    let model = Model::with_limit(1024 + 2 * 4096);
    let root = model.root();
    let made = block_on(model.create(&root, &name("f"), Fresh::FILE, BOTH));
    let (node, file) = made.expect("created");
    let written = file.write(Source::Slice(&[1; 10_000]), Position::At(0)).expect("a part");
    assert_eq!(written.count, 8192);
    let more = file.write(Source::Slice(&[1]), Position::End);
    assert_eq!(more.err(), FULL);
    assert_eq!(block_on(model.statfs()).expect("statfs").free_blocks, 0);
    file.set_size(4096).expect("cut");
    let again = file.write(Source::Slice(&[1]), Position::At(1 << 40)).expect("far away");
    assert_eq!(again.count, 1);
    assert_eq!(file.write(Source::Slice(&[1]), Position::At(4096)).err(), FULL);
    // What is removed gives its room back once nobody holds it.
    block_on(model.remove(&root, &name("f"), Removal::File)).expect("removed");
    assert_eq!(block_on(model.statfs()).expect("statfs").free_blocks, 0);
    drop((node, file));
    assert_eq!(block_on(model.statfs()).expect("statfs").free_blocks, 2);
}
