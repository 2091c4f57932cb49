//! Who may change what runs here: a plugin is as trustworthy as the least trusted who can write to its file or its directory.
//!
//! One look at what the kernel says of an open file; no name service is asked. A group may write only if it is its owner's private one, which is told by its
//! number being the owner's (as Debian, Fedora and Arch number them). Whoever uses other private groups takes the group's right away: the message says how.
//! Access control lists count as far as the kernel shows them in the group's bits.

use cap_std::fs::{Metadata, MetadataExt};
use thiserror::Error;

const WORLD_WRITES: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;

/// Why its rights don't do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Somebody else's.
    #[error(
        "it belongs to user {owner}, who could change what runs here; it must be of user {user}, as this process is, or of root: `chown {user}` it"
    )]
    Foreign {
        /// Its owner.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// Anybody may write.
    #[error("anybody may write to it (mode {mode:04o}), and so change what runs here: `chmod go-w` it")]
    World {
        /// Its mode.
        mode: u32,
    },
    /// A group may write that others can be in.
    #[error(
        "everybody in group {group} may write to it (mode {mode:04o}), and so change what runs here: `chmod g-w` it (only the private group of its owner, {owner}, would do)"
    )]
    Group {
        /// The group.
        group: u32,
        /// The file's owner, and what their private group would be.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
}

/// What decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    owner: u32,
    group: u32,
    mode: u32,
}

impl Rights {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & 0o7777 }
    }

    /// Whether that user can trust it.
    pub(super) const fn check(self, user: u32) -> Result<(), Flaw> {
        let Self { owner, group, mode } = self;
        if owner != user && owner != 0 {
            return Err(Flaw::Foreign { owner, user });
        }
        if mode & WORLD_WRITES != 0 {
            return Err(Flaw::World { mode });
        }
        if mode & GROUP_WRITES != 0 && group != owner {
            return Err(Flaw::Group { group, owner, mode });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn check(owner: u32, group: u32, mode: u32) -> Result<(), Flaw> {
        Rights { owner, group, mode }.check(ME)
    }

    #[test]
    fn mine_and_roots_will_do() {
        for (owner, group, mode) in [(ME, ME, 0o755), (ME, 50, 0o755), (0, 0, 0o755), (ME, ME, 0o775), (0, 0, 0o775), (ME, 50, 0o1700)] {
            assert_eq!(check(owner, group, mode), Ok(()), "{owner} {group} {mode:o}");
        }
    }

    #[test]
    fn what_others_can_write_wont() {
        assert_eq!(check(1001, ME, 0o700), Err(Flaw::Foreign { owner: 1001, user: ME }));
        assert_eq!(check(ME, ME, 0o757), Err(Flaw::World { mode: 0o757 }));
        assert_eq!(check(0, 0, 0o1777), Err(Flaw::World { mode: 0o1777 }), "sticky or not");
        assert_eq!(check(ME, 50, 0o775), Err(Flaw::Group { group: 50, owner: ME, mode: 0o775 }));
        assert_eq!(check(0, ME, 0o775), Err(Flaw::Group { group: ME, owner: 0, mode: 0o775 }));
    }

    #[test]
    fn each_flaw_says_what_to_do() {
        assert!(check(7, 7, 0o700).unwrap_err().to_string().contains("user 7"), "who");
        for (flaw, remedy) in
            [(check(7, 7, 0o700), "`chown 1000`"), (check(ME, ME, 0o777), "`chmod go-w`"), (check(ME, 50, 0o770), "`chmod g-w`")]
        {
            let text = flaw.unwrap_err().to_string();
            assert!(text.contains(remedy), "{text}");
        }
    }
}
