//! Where a component's bytes come from. They are read when it is their plugin's turn, so that the last one asked for is the last one read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads at most so many bytes, and one more to see that there are too many.
type Reading = Box<dyn FnOnce(usize) -> io::Result<Vec<u8>> + Send>;

/// A component that hasn't been read yet.
pub struct Source {
    name: PathBuf,
    read: Reading,
}

impl Source {
    /// The file at this path.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let file = path.clone();
        Self::reader(path, move |most| {
            let mut bytes = Vec::new();
            File::open(file)?.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// These bytes; errors call them by this name.
    #[must_use]
    pub fn bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self::reader(name, move |_| Ok(bytes))
    }

    /// What `read` answers, which is called once, on a thread where it may block, with the number of bytes that a component may have.
    #[must_use]
    pub fn reader(name: impl Into<PathBuf>, read: impl FnOnce(usize) -> io::Result<Vec<u8>> + Send + 'static) -> Self {
        Self { name: name.into(), read: Box::new(read) }
    }

    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    pub(crate) fn read(self, most: usize) -> io::Result<Vec<u8>> {
        (self.read)(most)
    }
}
