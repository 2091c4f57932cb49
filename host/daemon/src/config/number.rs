//! Forms for numbers: counts, sizes in bytes, durations.
//!
//! A count is a whole number without a unit, a size or a duration is text with one, so that nobody has to know which unit is meant.

use super::error::Report;
use super::form::Form;
use super::node::Node;
use super::quantity::{self, SIZE, TIME, Unit};
use plugbay_runtime::engine::Cpu;
use serde_json::{Value, json};
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

/// Whole numbers in TOML end there.
pub(crate) const END: u64 = i64::MAX as u64;

/// The longest time that can be set, in milliseconds: a year. Clocks can't overflow by it.
const LONGEST: u64 = 365 * 24 * 3_600_000;

/// Types for whole numbers, some of which have no zero.
pub(crate) trait Number: Copy {
    /// This number, if the type has it.
    fn of(n: u64) -> Option<Self>;
    /// The number.
    fn number(self) -> u64;
}

macro_rules! number {
    ($with_zero:ty) => {
        impl Number for $with_zero {
            fn of(n: u64) -> Option<Self> {
                n.try_into().ok()
            }

            fn number(self) -> u64 {
                self as u64
            }
        }
    };
    ($without_zero:ty, not zero) => {
        impl Number for $without_zero {
            fn of(n: u64) -> Option<Self> {
                NonZeroU64::new(n)?.try_into().ok()
            }

            fn number(self) -> u64 {
                self.get() as u64
            }
        }
    };
}

number!(u32);
number!(usize);
number!(NonZeroU16, not zero);
number!(NonZeroU32, not zero);
number!(NonZeroU64, not zero);
number!(NonZeroUsize, not zero);

/// A whole number within bounds.
pub(crate) struct Count {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Count {
    /// From this number on.
    pub(crate) const fn from(least: u64) -> Self {
        Self { least, most: END }
    }
}

impl<V: Number> Form<V> for Count {
    fn expected(&self) -> String {
        let Self { least, most } = self;
        if *most == END { format!("a whole number, {least} or more") } else { format!("a whole number from {least} to {most}") }
    }

    fn schema(&self) -> Value {
        let Self { least, most } = self;
        if *most == END {
            json!({ "type": "integer", "minimum": least })
        } else {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<V> {
        let number = node.integer().and_then(|n| u64::try_from(n).ok()).filter(|n| (self.least..=self.most).contains(n)).and_then(V::of);
        if number.is_none() {
            node.misfit(&Form::<V>::expected(self), report);
        }
        number
    }

    fn show(&self, value: &V) -> Option<Value> {
        Some(json!(value.number()))
    }

    fn example(&self) -> Value {
        json!(self.least.max(100.min(self.most)))
    }
}

/// A number with a unit, within bounds; shown as the example.
struct Quantity {
    what: &'static str,
    units: &'static [Unit],
    least: u64,
    most: u64,
    example: u64,
}

impl Quantity {
    fn expected(&self) -> String {
        let Self { what, units, least, most, example } = self;
        let mut text = format!("{what} such as \"{}\"", quantity::write(*example, units));
        if *least > 0 {
            text += &format!(", \"{}\" or more", quantity::write(*least, units));
        }
        if *most < END {
            text += &format!(", \"{}\" at most", quantity::write(*most, units));
        }
        text
    }

    fn schema(&self) -> Value {
        let first = if self.least > 0 { "0*[1-9][0-9]*" } else { "[0-9]+" };
        json!({ "type": "string", "pattern": format!("^{first} ?({})$", quantity::names(self.units).join("|")) })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<u64> {
        let text = node.text().map(str::to_owned).or_else(|| node.integer().map(|n| n.to_string()));
        let read = text
            .map_or(Err(None), |text| quantity::parse(&text, self.units))
            .and_then(|n| if node.text().is_some() { Ok(n) } else { Err(None) });
        match read {
            Ok(n) if (self.least..=self.most).contains(&n) => Some(n),
            Ok(_) => {
                node.misfit(&self.expected(), report);
                None
            }
            Err(hint) => {
                node.misfit_hinting(&self.expected(), hint, report);
                None
            }
        }
    }

    fn show(&self, n: u64) -> Value {
        json!(quantity::write(n, self.units))
    }
}

/// A size within bounds, in bytes.
pub(crate) struct Bytes {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Bytes {
    /// One byte or more.
    pub(crate) const SOME: Self = Self { least: 1, most: END };

    const fn quantity(&self) -> Quantity {
        Quantity {
            what: "a size",
            units: SIZE,
            least: self.least,
            most: self.most,
            example: if self.most < 64 << 20 { 64 << 10 } else { 64 << 20 },
        }
    }
}

impl<V: Number> Form<V> for Bytes {
    fn expected(&self) -> String {
        self.quantity().expected()
    }

    fn schema(&self) -> Value {
        self.quantity().schema()
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<V> {
        self.quantity().read(node, report).and_then(V::of)
    }

    fn show(&self, value: &V) -> Option<Value> {
        Some(self.quantity().show(value.number()))
    }

    fn example(&self) -> Value {
        let quantity = self.quantity();
        quantity.show(quantity.example)
    }
}

/// A duration of at least so many milliseconds.
pub(crate) struct Time {
    pub(crate) least: u64,
}

impl Time {
    /// None, or any.
    pub(crate) const ANY: Self = Self { least: 0 };
    /// A millisecond or more.
    pub(crate) const SOME: Self = Self { least: 1 };

    const fn quantity(&self) -> Quantity {
        Quantity { what: "a duration", units: TIME, least: self.least, most: LONGEST, example: 5_000 }
    }
}

impl Form<Duration> for Time {
    fn expected(&self) -> String {
        self.quantity().expected()
    }

    fn schema(&self) -> Value {
        self.quantity().schema()
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<Duration> {
        self.quantity().read(node, report).map(Duration::from_millis)
    }

    fn show(&self, value: &Duration) -> Option<Value> {
        Some(self.quantity().show(u64::try_from(value.as_millis()).unwrap_or(LONGEST)))
    }

    fn example(&self) -> Value {
        let quantity = self.quantity();
        quantity.show(quantity.example)
    }
}

/// Processor time: fixed, or, if left out, a share of the call's budget.
pub(crate) struct Processor;

impl Form<Cpu> for Processor {
    fn expected(&self) -> String {
        Time::SOME.expected()
    }

    fn schema(&self) -> Value {
        Time::SOME.schema()
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<Cpu> {
        Time::SOME.read(node, report).map(Cpu::Fixed)
    }

    fn show(&self, value: &Cpu) -> Option<Value> {
        if let Cpu::Fixed(time) = value { Time::SOME.show(time) } else { None }
    }

    fn example(&self) -> Value {
        Time::SOME.example()
    }
}
