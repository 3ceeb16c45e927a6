//! The door for whoever mounts, asked message by message on every kind of mount.

mod attributes;
mod data;
mod directories;
mod hostile;
mod locks;
mod model;
mod names;
mod play;
mod protocol;
mod rig;
mod streams;
mod xattrs;
