//! The rules of jobs and deliveries, written once for all backends.
//!
//! What comes in is checked before a transaction begins. Inside it everything that may refuse is read first; what is written is made or unmade as a whole, also
//! where something fails in the middle.

pub(super) mod deliveries;
pub(super) mod jobs;
pub(super) mod runs;

use super::Job;

/// What a job counts for in an answer.
fn bytes(job: &Job) -> usize {
    let asked = &job.asked;
    let names = [&asked.name, &asked.tag, &job.claim].into_iter().flatten().map(String::len).sum::<usize>();
    let session = asked.session.as_ref().map_or(0, |session| session.key.len() + session.life.len());
    [&asked.id, &asked.plugin, &asked.kind, &asked.body, &asked.plan].map(String::len).iter().sum::<usize>() + names + session
}
