//! All rows of the table, by what they attack.
//!
//! To add one: its line in the file that fits. [`all`] costs nothing but the lines; components are made when their row runs.

mod calls;
mod files;
mod loads;
mod rust;

use super::case::Case;

/// Every row, in the order of the table.
pub(super) fn all() -> Vec<Case> {
    [files::cases(), loads::cases(), calls::cases(), rust::cases()].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_guests::odd;
    use std::collections::BTreeSet;

    #[test]
    fn every_fixture_has_a_row_and_every_row_a_name_of_its_own() {
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        let missing: Vec<_> = odd::FIXTURES.iter().filter(|(name, _)| !names.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
