//! Tests of the running host: real directories, a real configuration, real plugins; nothing between but the program's own library.

#![cfg(test)]

mod agents;
mod boot;
mod configuration;
mod deciding;
mod directory;
mod engines;
mod house;
mod installing;
mod looking;
mod together;
mod tokens;
mod workflow;
