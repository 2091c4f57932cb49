//! `cargo xtask wit`: holds the contract in `wit/` against the hashes that were recorded in `wit/hashes.txt`.
//!
//! So no change of the contract slips in unseen: whoever changes a file there records it in the same commit. Costs a read of a dozen
//! small files. Fails with the list of files that differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;

const RECORD: &str = "hashes.txt";

const MEANING: &str = "If the change is meant, run `cargo xtask wit --accept` and commit wit/hashes.txt together with it. Accepting says:
this is the contract that plugins are to be written for. Until the tag v0.1.0 everything in wit/ is free to change. From then on an
exported interface never changes, a new one is added beside it; an imported one may gain functions within a minor version.";

/// A hash for each file of the contract, by the file's name.
type Hashes = BTreeMap<String, String>;

/// Compares, or with `accept` records what is there now.
pub(crate) fn run(paths: &Paths, accept: bool) -> Result<()> {
    let folder = paths.wit();
    let differences = differences(&recorded(&folder)?, &present(&folder)?);
    for line in &differences {
        println!("{line}");
    }
    if differences.is_empty() {
        println!("wit/ is as recorded");
    } else if accept {
        fs::write(folder.join(RECORD), text(&present(&folder)?)).context("can't write wit/hashes.txt")?;
        println!("recorded in wit/hashes.txt: commit it together with the change");
    } else {
        println!("{MEANING}");
        bail!("wit/ differs from wit/hashes.txt in {} file(s)", differences.len());
    }
    Ok(())
}

fn present(folder: &Path) -> Result<Hashes> {
    let mut hashes = Hashes::new();
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".wit") || name.ends_with(".json") {
            let text = fs::read_to_string(&path).with_context(|| format!("can't read wit/{name}"))?;
            hashes.insert(name.to_owned(), hash(&text));
        }
    }
    Ok(hashes)
}

/// What a file says, whatever its line endings are.
fn hash(text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for line in text.lines() {
        hasher.update(line.trim_end().as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

fn recorded(folder: &Path) -> Result<Hashes> {
    let path = folder.join(RECORD);
    if !path.exists() {
        return Ok(Hashes::new());
    }
    let text = fs::read_to_string(&path).context("can't read wit/hashes.txt")?;
    text.lines().map(record).collect()
}

fn record(line: &str) -> Result<(String, String)> {
    let (hash, name) = line.split_once("  ").with_context(|| format!("wit/hashes.txt: expected `HASH  FILE`, found {line:?}"))?;
    Ok((name.trim_end().to_owned(), hash.to_owned()))
}

fn text(hashes: &Hashes) -> String {
    hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect()
}

fn differences(recorded: &Hashes, present: &Hashes) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, hash) in present {
        match recorded.get(name) {
            None => lines.push(format!("wit/{name}: new")),
            Some(old) if old != hash => lines.push(format!("wit/{name}: changed")),
            Some(_) => {}
        }
    }
    lines.extend(recorded.keys().filter(|name| !present.contains_key(*name)).map(|name| format!("wit/{name}: gone")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(pairs: &[(&str, &str)]) -> Hashes {
        pairs.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect()
    }

    #[test]
    fn only_line_ends_are_ignored() {
        assert_eq!(hash("a\nb\n"), hash("a \r\nb"));
        assert_ne!(hash("a\nb\n"), hash("a\n/// A word more.\nb\n"));
        assert_ne!(hash("a\nb\n"), hash("a\n b\n"));
        assert_ne!(hash("a\nb\n"), hash("ab\n"));
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let old = hashes(&[("a.wit", "1"), ("b.wit", "2"), ("c.wit", "3")]);
        let new = hashes(&[("a.wit", "1"), ("b.wit", "9"), ("d.json", "4")]);
        assert_eq!(differences(&old, &new), ["wit/b.wit: changed", "wit/d.json: new", "wit/c.wit: gone"]);
        assert!(differences(&old, &old).is_empty());
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let hashes = hashes(&[("b.wit", "2"), ("a.wit", "1")]);
        assert_eq!(text(&hashes), "1  a.wit\n2  b.wit\n");
        assert_eq!(text(&hashes).lines().map(record).collect::<Result<Hashes>>().unwrap(), hashes);
        assert!(record("nonsense").is_err());
    }
}
