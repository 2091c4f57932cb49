//! Agents that work for plugins, and the model that plugins ask: what there is, who may, and how it ends.

mod ends;
mod gone;
mod killed;
mod limits;
mod model;
mod reasons;
mod stage;
mod waiting;
mod work;
