//! The built-in engine, on a state in memory.

mod compacting;
mod histories;
mod random;
mod stage;
