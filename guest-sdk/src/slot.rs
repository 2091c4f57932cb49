//! Where a cell keeps the plugin's value.
//!
//! What it is for: exports are plain functions, the author's methods want `&mut self`. What it costs: a `RefCell` borrow a call. How it
//! fails: a call before `activate`, or from within another call, is an `Err`.

use std::cell::RefCell;

/// The place of one value, empty until `activate`.
#[derive(Debug)]
pub struct Slot<T>(RefCell<Option<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slot<T> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// Puts in what `activate` made.
    ///
    /// # Errors
    ///
    /// What `activate` answered; the place stays as it was.
    pub fn fill(&self, make: impl FnOnce() -> Result<T, String>) -> Result<(), String> {
        let value = make()?;
        let mut place = self.0.try_borrow_mut().map_err(|_| BUSY)?;
        *place = Some(value);
        Ok(())
    }

    /// Calls a method.
    ///
    /// # Errors
    ///
    /// What the method answered, or that there is no value to call it on.
    pub fn call<R>(&self, method: impl FnOnce(&mut T) -> Result<R, String>) -> Result<R, String> {
        let mut place = self.0.try_borrow_mut().map_err(|_| BUSY)?;
        method(place.as_mut().ok_or("this cell was called before `activate`")?)
    }

    /// Takes the value out.
    pub fn empty(&self) -> Option<T> {
        self.0.try_borrow_mut().ok()?.take()
    }
}

/// The host lets no call in while another is under way, so this is the host's mistake.
const BUSY: &str = "this cell was called while it was serving another call";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_before_activate_is_an_error() {
        let slot = Slot::<u8>::new();
        assert_eq!(slot.call(|value| Ok(*value)), Err("this cell was called before `activate`".into()));
        assert_eq!(slot.fill(|| Err("no".into())), Err("no".into()));
        assert!(slot.empty().is_none());
    }

    #[test]
    fn a_value_is_kept_between_calls_and_taken_once() {
        let slot = Slot::new();
        slot.fill(|| Ok(1)).unwrap();
        slot.call(|value| {
            *value += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(slot.call(|value| Ok(*value)), Ok(2));
        assert_eq!((slot.empty(), slot.empty()), (Some(2), None));
    }

    #[test]
    fn a_call_within_a_call_is_an_error_and_no_panic() {
        let slot = Slot::new();
        slot.fill(|| Ok(1)).unwrap();
        assert_eq!(slot.call(|_| slot.call(|value| Ok(*value))), Err(BUSY.into()));
    }
}
