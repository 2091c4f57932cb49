//! Writes the builds that the operators' guide tries things with into a folder: `cargo run -p plugbay-guests --example builds -- FOLDER`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("expected a folder to write the builds into")?;
    plugbay_guests::builds::write(Path::new(&folder))?;
    println!("shell-guard 0.1.0, 0.2.0, 0.3.0 and 0.4.0 are in {}", Path::new(&folder).display());
    Ok(())
}
