//! The engine by itself: its clock, its bays, its admission.

use plugbay_engine::{
    Bay, Budget, CompileIn, Engine, EngineFate, EngineSettings, Happening, Isolation, Limits, Occupant, Refused, Unserved,
};
use std::fs;
use std::num::NonZeroU16;
use std::time::Duration;

/// An occupant that knows its number.
struct Numbered(u32, bool);

impl Occupant for Numbered {
    fn is_spent(&self) -> bool {
        self.1
    }
}

fn budget(ms: u64) -> Budget {
    Budget::new(Duration::from_millis(ms), &Limits::default())
}

#[test]
fn a_thousand_engines_leave_no_thread_behind() {
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for _ in 0..1_000 {
        drop(Engine::new(EngineSettings { cells: 2, ..EngineSettings::new(CompileIn::Thread) }).unwrap());
    }
    assert!(threads() < before + 50, "{before} threads before, {} after", threads());
}

#[tokio::test]
async fn what_is_spent_never_comes_back() {
    let bay = Bay::new(Isolation::Shared, 4, ());
    bay.enter(None, &budget(100)).await.unwrap().furnish(Numbered(1, false));
    assert_eq!(bay.warm(), 1);
    let mut lease = bay.enter(None, &budget(100)).await.unwrap();
    let cell = lease.cell().unwrap();
    assert_eq!(cell.0, 1);
    cell.1 = true;
    drop(lease);
    assert_eq!(bay.warm(), 0);
    assert!(bay.enter(None, &budget(100)).await.unwrap().cell().is_none());
}

#[tokio::test]
async fn a_bay_never_has_more_cells_than_its_isolation_says() {
    for (isolation, cells) in [(Isolation::Shared, 1), (Isolation::Pool(NonZeroU16::new(3).unwrap()), 3), (Isolation::Call, 64)] {
        let bay = Bay::<Numbered, ()>::new(isolation, 0, ());
        let mut leases = Vec::new();
        for _ in 0..cells {
            leases.push(bay.enter(None, &budget(100)).await.unwrap());
        }
        assert!(matches!(bay.enter(None, &budget(100)).await, Err(Unserved::Busy(_))), "{isolation:?}");
        drop(leases.pop());
        assert!(bay.enter(None, &budget(100)).await.is_ok(), "{isolation:?}");
    }
}

#[tokio::test]
async fn a_session_has_one_cell_and_its_calls_queue() {
    let bay = Bay::<Numbered, ()>::new(Isolation::Session, 4, ());
    let mut held = bay.enter(Some("a"), &budget(100)).await.unwrap();
    held.furnish(Numbered(1, false));
    assert!(matches!(bay.enter(Some("a"), &budget(20)).await, Err(Unserved::Waited(_))));
    assert!(bay.enter(Some("b"), &budget(100)).await.is_ok(), "another session doesn't wait");
    drop(held);
    assert_eq!(bay.enter(Some("a"), &budget(100)).await.unwrap().cell().map(|c| c.0), Some(1));
}

#[tokio::test]
async fn sessions_are_served_at_most_sixty_four_at_once() {
    let bay = Bay::<Numbered, ()>::new(Isolation::Session, 0, ());
    let mut leases = Vec::new();
    for n in 0..64 {
        leases.push(bay.enter(Some(&format!("s{n}")), &budget(100)).await.unwrap());
    }
    assert!(matches!(bay.enter(Some("one-more"), &budget(100)).await, Err(Unserved::Busy(_))));
}

#[tokio::test]
async fn clearing_a_bay_takes_every_cell() {
    let bay = Bay::new(Isolation::Session, 4, ());
    for (n, session) in [None, Some("a"), Some("b")].into_iter().enumerate() {
        bay.enter(session, &budget(100)).await.unwrap().furnish(Numbered(u32::try_from(n).unwrap(), false));
    }
    assert_eq!((bay.clear().len(), bay.warm()), (3, 0));
}

#[test]
fn the_table_of_what_counts_as_what() {
    let row = |h: Happening| {
        let c = h.consequence();
        (c.drops_cell, c.counts_as_fault, c.applies_policy, c.context_engine)
    };
    assert_eq!(row(Happening::Fault), (true, true, true, EngineFate::Quarantined));
    assert_eq!(row(Happening::Failed), (false, false, true, EngineFate::Quarantined));
    assert_eq!(row(Happening::Unserved), (false, false, true, EngineFate::BuiltinAnswers));
    assert_eq!(row(Happening::CallerGone), (false, false, false, EngineFate::Untouched));
}

#[test]
fn admission_says_what_it_found() {
    let settings = EngineSettings { cells: 2, component_size: 1_000, ..EngineSettings::new(CompileIn::Thread) };
    let engine = Engine::new(settings).unwrap();
    let refused = |bytes: &[u8]| engine.admit(bytes.to_vec()).err().unwrap();
    assert!(matches!(refused(&[0; 1_001]), Refused::Limit(o) if o.observed == 1_001 && o.allowed == 1_000));
    assert!(matches!(refused(b"\0asm\x01\0\0\0"), Refused::CoreModule));
    assert!(matches!(refused(b""), Refused::NotWasm { found } if found == "an empty file"));
    assert!(matches!(refused(b"PK\x03\x04 and so on"), Refused::NotWasm { found } if found.contains("50 4b 03 04")));
    // A component header, then a custom section that claims four gigabytes.
    assert!(matches!(refused(b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\x0f"), Refused::Garbled { .. }));
    assert!(engine.admit(b"\0asm\x0d\0\x01\0".to_vec()).is_ok(), "the empty component has a good frame");
}
