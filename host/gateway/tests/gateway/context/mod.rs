//! Context engines: who decides what the model sees, when they are told what, and what becomes of those that fail.

mod background;
mod cancelled;
mod failures;
mod keeper;
mod manual;
mod order;
mod overflow;
mod slot;
mod stage;
mod storm;
