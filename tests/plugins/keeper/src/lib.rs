//! The context engine of docs/authors.md, as it stands there: see `build.rs`.

#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/keeper.rs"));
