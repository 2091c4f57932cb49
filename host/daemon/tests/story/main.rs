//! An operator's whole story on the real program: once as a test with callers at work all the while, and once as the guide tells it.

#![cfg(test)]

mod callers;
mod guide;
mod life;
#[path = "../program/mod.rs"]
mod program;
