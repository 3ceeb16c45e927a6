//! A native directory, through cap-std.
