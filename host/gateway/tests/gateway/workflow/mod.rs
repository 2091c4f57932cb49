//! What plugins have people, the clock and the agent do: actions, commands, jobs, files.

mod actions;
mod commands;
mod files;
mod jobs;
mod orphans;
mod restarts;
mod stage;
mod year;
