//! One of several processes that work on one state file, for tests: does its work, and prints what it did.

use anyhow::Result;
use plugbay_tests::conformance::processes::{Work, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let tally = work(&Work::from_args(std::env::args().skip(1))?).await?;
    println!("{}", serde_json::to_string(&tally)?);
    Ok(())
}
