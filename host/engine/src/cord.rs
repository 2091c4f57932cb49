//! A cord to pull: ends every call that runs in some cells, from outside.
//!
//! Costs nothing while a guest runs. A guest that waits, or has used up its tick, looks at it.

use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Ends the calls of all cells that were made with it, once it is pulled. Cheap to clone: all clones are one cord.
#[derive(Debug, Clone, Default)]
pub struct Cord(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    why: OnceLock<String>,
    pulled: Notify,
}

impl Cord {
    /// Ends what runs, and what will ever be run. Only the first reason counts.
    pub fn pull(&self, why: String) {
        let _ = self.0.why.set(why); // pulled before: that reason stays
        self.0.pulled.notify_waiters();
    }

    /// Waits until it is pulled; why it was.
    pub(crate) async fn pulled(self) -> String {
        loop {
            let next = self.0.pulled.notified();
            if let Some(why) = self.0.why.get() {
                return why.clone();
            }
            next.await;
        }
    }
}
