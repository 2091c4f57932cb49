//! What plugins reach through the host.

mod gates;
mod injections;
mod runs;
mod sessions;
mod state;
