//! An OPFS directory as it is.
