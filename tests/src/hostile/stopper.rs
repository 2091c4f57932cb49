//! What stopped a hostile component, as a value that can be compared: the limit, or the kind of error, and the step at which it came.
//!
//! Costs a few matches. It never fails: an error that has no kind here is [`Stopper::Other`], which no row expects.

use plugbay_runtime::engine::{CallError, Fault, Limit, Refused};
use plugbay_runtime::{LoadError, ManifestError, Reason, RegistrationError, Step, SurfaceError};
use std::fmt;

/// What stopped a component. The names are those of the host's own errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the host's errors, which are documented there")]
pub enum Stopper {
    /// Nothing: it came to a good end.
    Nothing,
    /// A limit.
    Limit(Limit),
    Trap,
    Exited,
    Malformed,
    /// The host's own code failed: a defect.
    Host,
    Failed,
    Unserved,
    Unreadable,
    Name,
    NotWasm,
    NativeCode,
    CoreModule,
    Garbled,
    Invalid,
    Compiler,
    ManifestMissing,
    ManifestSeveral,
    ManifestWrong,
    OtherId,
    ApiVersion,
    UnknownImport,
    UnknownExport,
    NoPlugin,
    WrongType,
    Link,
    Differs,
    DescribeJson,
    DescribeSchema,
    DescribeNotExported,
    DescribeTwice,
    DescribeConfig,
    /// Something that no row expects.
    Other,
}

impl fmt::Display for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing: it copes"),
            Self::Limit(limit) => f.write_str(limit.setting()),
            kind => write!(f, "{kind:?}"),
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// For a plugin that was refused: at which step.
    pub(super) step: Option<Step>,
    /// By what.
    pub(super) stopper: Stopper,
    /// The error, as people read it; empty if there was none.
    pub(super) said: String,
}

impl Seen {
    /// A good end.
    pub(super) const fn nothing() -> Self {
        Self { step: None, stopper: Stopper::Nothing, said: String::new() }
    }

    /// A call without an answer.
    pub(super) fn call(error: &CallError) -> Self {
        Self { step: None, stopper: of_call(error), said: error.to_string() }
    }

    /// A file that was refused.
    pub(super) fn load(error: &LoadError) -> Self {
        Self { step: Some(error.step), stopper: of_load(&error.reason), said: error.to_string() }
    }

    /// Whether another attempt with the same file gave the same answer. Where times or the guest's own dice are in the text, the kind has to be enough.
    pub(super) fn repeats(&self, before: &Self) -> bool {
        let varies = matches!(
            self.stopper,
            Stopper::Differs | Stopper::Limit(Limit::CpuTime | Limit::WallTime | Limit::CompileTime | Limit::Memory)
        );
        if varies { (self.step, self.stopper) == (before.step, before.stopper) } else { self == before }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "{step}: {}", self.stopper),
            None => write!(f, "{}", self.stopper),
        }
    }
}

fn of_call(error: &CallError) -> Stopper {
    match error {
        CallError::Fault(Fault::Limit(overrun)) => Stopper::Limit(overrun.limit),
        CallError::Fault(Fault::Trap { .. }) => Stopper::Trap,
        CallError::Fault(Fault::Exited) => Stopper::Exited,
        CallError::Fault(Fault::Malformed(_)) => Stopper::Malformed,
        CallError::Fault(Fault::Host(_)) => Stopper::Host,
        CallError::Failed(_) => Stopper::Failed,
        CallError::Unserved(_) => Stopper::Unserved,
        _ => Stopper::Other,
    }
}

fn of_load(reason: &Reason) -> Stopper {
    match reason {
        Reason::Engine(refused) => of_engine(refused),
        Reason::Manifest(error) => of_manifest(error),
        Reason::Surface(error) => of_surface(error),
        Reason::Registration(error) => of_registration(error),
        Reason::Describe(error) | Reason::Activate(error) => of_call(error),
        Reason::Unreadable(_) => Stopper::Unreadable,
        Reason::Name(_) | Reason::NoWasm => Stopper::Name,
        Reason::OtherId { .. } => Stopper::OtherId,
        Reason::Link(_) => Stopper::Link,
        _ => Stopper::Other,
    }
}

fn of_engine(refused: &Refused) -> Stopper {
    match refused {
        Refused::Limit(overrun) => Stopper::Limit(overrun.limit),
        Refused::NativeCode => Stopper::NativeCode,
        Refused::CoreModule => Stopper::CoreModule,
        Refused::NotWasm { .. } => Stopper::NotWasm,
        Refused::Garbled { .. } => Stopper::Garbled,
        Refused::Invalid(_) => Stopper::Invalid,
        Refused::Compiler(_) => Stopper::Compiler,
        _ => Stopper::Other,
    }
}

fn of_manifest(error: &ManifestError) -> Stopper {
    match error {
        ManifestError::Missing => Stopper::ManifestMissing,
        ManifestError::Several(_) => Stopper::ManifestSeveral,
        ManifestError::Wrong(_) => Stopper::ManifestWrong,
        ManifestError::Garbled(_) => Stopper::Garbled,
        _ => Stopper::Other,
    }
}

fn of_surface(error: &SurfaceError) -> Stopper {
    match error {
        SurfaceError::Version { .. } => Stopper::ApiVersion,
        SurfaceError::UnknownImport(_) => Stopper::UnknownImport,
        SurfaceError::UnknownExport(_) => Stopper::UnknownExport,
        SurfaceError::NoPlugin => Stopper::NoPlugin,
        SurfaceError::WrongType { .. } => Stopper::WrongType,
        SurfaceError::Garbled(_) => Stopper::Garbled,
        _ => Stopper::Other,
    }
}

fn of_registration(error: &RegistrationError) -> Stopper {
    match error {
        RegistrationError::Differs { .. } => Stopper::Differs,
        RegistrationError::Json(_) => Stopper::DescribeJson,
        RegistrationError::Schema(_) => Stopper::DescribeSchema,
        RegistrationError::NotExported(_) => Stopper::DescribeNotExported,
        RegistrationError::Twice(_) => Stopper::DescribeTwice,
        RegistrationError::Config(_) => Stopper::DescribeConfig,
        _ => Stopper::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_answer_is_the_same_text_but_for_what_was_measured() {
        let seen = |stopper, said: &str| Seen { step: Some(Step::Describe), stopper, said: said.to_owned() };
        assert!(seen(Stopper::Trap, "a").repeats(&seen(Stopper::Trap, "a")));
        assert!(!seen(Stopper::Trap, "a").repeats(&seen(Stopper::Trap, "b")));
        let cpu = Stopper::Limit(Limit::CpuTime);
        assert!(seen(cpu, "21 ms").repeats(&seen(cpu, "22 ms")));
        assert!(!seen(cpu, "21 ms").repeats(&seen(Stopper::Limit(Limit::WallTime), "21 ms")));
        assert!(!seen(cpu, "21 ms").repeats(&Seen { step: None, ..seen(cpu, "21 ms") }));
    }
}
