//! The command line: what it prints, exits with, copies in and out.

#![cfg(feature = "cli")]

mod copies;
mod files;
mod place;
mod run;
mod serve;
mod volumes;
