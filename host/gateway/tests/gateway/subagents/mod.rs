//! Agents that work for plugins, and the model that plugins ask: what there is, who may, and how it ends.

mod ends;
mod limits;
mod model;
mod stage;
mod waiting;
mod work;
