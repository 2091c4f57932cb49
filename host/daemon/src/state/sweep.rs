//! `plugbay state sweep`: deletes what has expired.
//!
//! One transaction for each 1,024 rows; others write in between. What was deleted before a failure stays deleted.

use super::place::Place;
use crate::output;
use anyhow::{Context, Result};
use clap::Args;
use plugbay_state::StateStore;

/// Deletes expired rows.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Sweep {
    pub(crate) async fn run(self) -> Result<()> {
        let state = self.place.open()?;
        let mut deleted: u64 = 0;
        loop {
            match state.sweep().await.with_context(|| format!("can't delete expired rows after the first {deleted}"))? {
                0 => break,
                more => deleted += more,
            }
        }
        state.close().await;
        if self.json {
            return output::print_json(&serde_json::json!({ "deleted": deleted }));
        }
        output::print(&format!("{deleted} expired {} deleted\n", if deleted == 1 { "row" } else { "rows" }))
    }
}
