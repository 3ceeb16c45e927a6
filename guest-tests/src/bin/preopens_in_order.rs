//! `get-directories` gives the preopens in the host's order, and new handles at every call.

use guest_tests::{DescriptorFlags, DescriptorType, R, expect, get_directories, ok};

fn main() {
    let mutable = R | DescriptorFlags::MUTATE_DIRECTORY;
    let expected = [
        ("work", mutable),
        ("other", mutable),
        ("frozen", R),
        ("nest", mutable),
        ("nest/inner", mutable),
    ];
    let first = get_directories();
    let second = get_directories();
    let names: Vec<_> = first.iter().map(|(_, name)| name.as_str()).collect();
    expect("get-directories", expected.map(|(name, _)| name).to_vec(), names);
    for (one, (name, flags)) in expected.iter().enumerate() {
        let dir = &first[one].0;
        expect(
            format_args!("get-type of {name}"),
            DescriptorType::Directory,
            ok(name, dir.get_type()),
        );
        expect(format_args!("get-flags of {name}"), *flags, ok(name, dir.get_flags()));
        for (other, (dir, other_name)) in second.iter().enumerate() {
            let asked = format!("is-same-object of {name} and {other_name}");
            expect(asked, one == other, first[one].0.is_same_object(dir));
        }
    }
    drop(first);
    for (dir, name) in &second {
        ok(format_args!("stat of {name}, its other handle dropped"), dir.stat());
    }
}
