//! Whole-system tests: what they share, the hostile table and the benchmarks.
//!
//! The tests themselves are in `tests/whole/`; `cargo xtask hostile` and `cargo xtask bench` run the programs in `src/bin/`.

pub mod bench;
pub mod conformance;
pub mod durability;
pub mod hostile;
pub mod lab;
