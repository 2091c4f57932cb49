//! Takes one row through its rounds and looks at everything that could have come of it.

use super::Options;
use super::bystander::{Bystander, Watch};
use super::case::{Attack, Case, Effort, Ground, shown_to_people};
use super::process::{Resident, busy_for, children};
use super::row::Row;
use super::stopper::Seen;
use crate::lab::{Lab, tool_call};
use anyhow::Result;
use plugbay_guests::odd;
use plugbay_runtime::{Call, Generation, Plugin, PluginsSettings, Session};
use serde_json::json;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether a child that was killed is gone.
const LOOKS: u32 = 600;

/// How much resident memory may grow.
const GROWTH_KIB: u64 = 5 << 10;

/// How long the hasty host compiles.
const HASTE: Duration = Duration::from_secs(3);

/// The share of a core that may be in use once a compilation was given up.
const IDLE: f64 = 0.1;

/// A row that takes so long must have had the good plugin answer while it ran.
const NOTICEABLE: Duration = Duration::from_millis(50);

/// Bytes of a log line: the limit, and the note that it was cut.
const LINE: usize = (4 << 10) + 64;

/// The hosts, each with its bystander.
pub(super) struct Grounds {
    usual: Field,
    hasty: Field,
}

struct Field {
    lab: Lab,
    bystander: Bystander,
}

impl Grounds {
    pub(super) async fn new(compiler: &Path) -> Result<Self> {
        Ok(Self {
            usual: Field::new(Lab::keeping(compiler, |_| {}, untiring)?).await?,
            hasty: Field::new(Lab::keeping(compiler, |settings| settings.compile_limits.time = HASTE, untiring)?).await?,
        })
    }
}

impl Field {
    async fn new(lab: Lab) -> Result<Self> {
        let bystander = Bystander::start(&lab).await?;
        Ok(Self { lab, bystander })
    }
}

/// Runs one row.
pub(super) async fn row(grounds: &Grounds, case: Case, options: &Options) -> Result<Row> {
    let field = match case.ground {
        Ground::Usual => &grounds.usual,
        Ground::Hasty => &grounds.hasty,
    };
    let (warm_up, rounds) = match case.effort {
        Effort::Usual => (options.warm_up, options.rounds),
        Effort::Heavy => (options.warm_up.div_ceil(4), options.rounds.div_ceil(10)),
        Effort::Once => (0, 1),
    };
    let begun = Instant::now();
    field.bystander.begin();
    let component = case.component(&field.lab)?;
    let file = field.lab.place(&case.stem, &component)?;
    drop(component);
    let mut run = Run::new(field, case, file);
    run.rounds(warm_up, rounds, options.memory).await;
    run.aftermath().await;
    let seconds = begun.elapsed();
    let bystander = field.bystander.end().await;
    run.watched(&bystander, seconds);
    let Run { case, problems, last, memory, .. } = run;
    let (stopped_by, said) = last.map_or_else(|| ("never ran".to_owned(), String::new()), |seen| (seen.to_string(), seen.said));
    let (expected, Case { name, tries: tried, .. }) = (case.expected(), case);
    Ok(Row { name, tried, expected, stopped_by, said, memory, warm_up, rounds, bystander, seconds: seconds.as_secs_f64(), problems })
}

/// A row under way.
struct Run<'a> {
    field: &'a Field,
    case: Case,
    file: PathBuf,
    /// The generation that served before the row; after a refusal it must be the same.
    serving: Option<Arc<Generation>>,
    plugin: Option<Arc<Plugin>>,
    last: Option<Seen>,
    /// Calls that ended in a fault.
    faults: u64,
    memory: Vec<(Resident, Resident)>,
    problems: Vec<String>,
}

/// Every round is to reach the guest, and the version that is attacked: no breaker opens, nothing is rolled back.
fn untiring(settings: &mut PluginsSettings) {
    settings.breaker.faults = NonZeroU32::MAX;
    (settings.probation.calls, settings.probation.judged_from) = (NonZeroU32::MAX, NonZeroU32::MAX);
}

impl<'a> Run<'a> {
    fn new(field: &'a Field, case: Case, file: PathBuf) -> Self {
        let serving = field.lab.plugins.get(&case.stem).and_then(|plugin| plugin.generation());
        Self { field, case, file, serving, plugin: None, last: None, faults: 0, memory: Vec::new(), problems: Vec::new() }
    }

    /// All rounds, and memory before and after; twice, if the first time it seems to grow.
    async fn rounds(&mut self, warm_up: u32, rounds: u32, measured: bool) {
        if let Attack::Call(_) = self.case.attack {
            let seen = self.load().await;
            if self.plugin.is_none() {
                self.problems.push(format!("it should load, and doesn't: {}", seen.said));
                return;
            }
        }
        self.repeat(warm_up).await;
        let Some(mut before) = Resident::now().filter(|_| measured) else { return self.repeat(rounds).await };
        for _ in 0..2 {
            self.repeat(rounds).await;
            let Some(after) = Resident::now() else { return };
            self.memory.push((before, after));
            if after.kib <= before.kib + GROWTH_KIB {
                return;
            }
            before = after;
        }
        self.problems.push(format!("resident memory grew by {} KiB", self.memory.last().map_or(0, |(b, a)| a.kib.saturating_sub(b.kib))));
    }

    /// Rounds, until one goes wrong.
    async fn repeat(&mut self, rounds: u32) {
        for _ in 0..rounds {
            if self.problems.is_empty() {
                self.round().await;
            }
        }
    }

    async fn round(&mut self) {
        let (begun, before) = (Instant::now(), self.last.take());
        let seen = match self.case.attack {
            Attack::Load => self.load().await,
            Attack::Call(tool) => self.call(tool).await,
        };
        self.note(self.case.judge(&seen));
        if let Some(before) = before.filter(|before| !seen.repeats(before)) {
            self.problems.push(format!("another answer the second time: {} and {}", before.said, seen.said));
        }
        self.last = Some(seen);
        if let Some(tool) = self.case.good_call.filter(|_| self.plugin.is_some()) {
            let seen = self.call(tool).await;
            self.note(if seen == Seen::nothing() { Ok(()) } else { Err(format!("a good call after it: {seen} ({})", seen.said)) });
        }
        self.log(begun.elapsed());
    }

    async fn load(&mut self) -> Seen {
        match self.field.lab.plugins.load(&self.file, self.case.settings.clone()).await {
            Ok((plugin, _)) => {
                // Rows that need no other settings than the one before share a generation.
                self.faults = plugin.generation().map_or(0, |generation| generation.faults());
                self.plugin = Some(plugin);
                Seen::nothing()
            }
            Err(error) => {
                self.nothing_half_loaded();
                Seen::load(&error)
            }
        }
    }

    /// The call runs in a task of its own, as a gateway's would.
    async fn call(&mut self, tool: &'static str) -> Seen {
        let Some(plugin) = self.plugin.clone() else { return Seen::nothing() };
        let call = Call::new().session(Session::new("main", "1"));
        let asked = tokio::spawn(async move { plugin.call(&call, &tool_call(tool, &json!({ "path": "/etc/passwd" }))).await });
        match asked.await {
            Ok(Ok(decision)) => {
                let expected = Some(tool) == self.case.good_call || (self.case.answers)(&decision);
                self.note(if expected { Ok(()) } else { Err(format!("it answers {decision:?}")) });
                Seen::nothing()
            }
            Ok(Err(error)) => {
                self.faults += u64::from(error.consequence().counts_as_fault);
                Seen::call(&error)
            }
            Err(panic) => {
                self.problems.push(format!("the host panicked: {panic}"));
                Seen::nothing()
            }
        }
    }

    fn nothing_half_loaded(&mut self) {
        let now = self.field.lab.plugins.get(&self.case.stem).and_then(|plugin| plugin.generation());
        let same = match (&self.serving, &now) {
            (None, None) => true,
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            _ => false,
        };
        self.note(if same { Ok(()) } else { Err("a refused plugin is there".to_owned()) });
    }

    /// What the log holds after a round is bounded and may be shown to people.
    fn log(&mut self, round: Duration) {
        let lines = self.field.lab.log.all();
        self.field.lab.log.clear();
        let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
        let allowed = self.case.log_bytes + (round.as_secs_f64() * 65_536.0) as usize;
        if bytes > allowed {
            self.problems.push(format!("{bytes} bytes of log, {allowed} expected"));
        }
        if let Some((_, line)) = lines.iter().find(|(_, line)| line.len() > LINE) {
            self.problems.push(format!("a log line of {} bytes", line.len()));
        }
        for (_, line) in lines {
            self.note(shown_to_people(&line));
        }
    }

    /// What is left when the row is over.
    async fn aftermath(&mut self) {
        if self.case.ground == Ground::Hasty {
            self.idle().await;
        }
        let Some(plugin) = self.plugin.clone() else { return };
        if let Attack::Call(_) = self.case.attack {
            let counted = plugin.generation().map_or(0, |generation| generation.faults());
            self.note(if counted == self.faults { Ok(()) } else { Err(format!("{} faults, {counted} counted", self.faults)) });
        }
        if self.case.good_call.is_none() {
            self.replaced_by_a_good_one().await;
        }
    }

    /// A compilation that was given up leaves nothing that works. The child was killed; how soon the kernel has taken it apart is the machine's business.
    async fn idle(&mut self) {
        self.field.bystander.pause(true);
        for _ in 0..LOOKS {
            if children().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let busy = busy_for(Duration::from_secs(1)).await;
        self.field.bystander.pause(false);
        if busy > IDLE {
            self.problems.push(format!("{:.0} % of a core in use after it was refused", busy * 100.0));
        }
        let left = children();
        if !left.is_empty() {
            self.problems.push(format!("child processes are left: {left:?}"));
        }
    }

    /// Whatever a plugin did, a good version of it can take its place.
    async fn replaced_by_a_good_one(&mut self) {
        let settings = self.case.settings.clone();
        let replaced = match self.field.lab.try_load(&self.case.stem, &odd::good(&self.case.stem), settings).await {
            Ok(Ok((plugin, _))) => plugin.call(&Call::new(), &tool_call("shell", &json!({}))).await.map(drop).map_err(|e| e.to_string()),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(e) => Err(e.to_string()),
        };
        self.note(replaced.map_err(|e| format!("a good version can't take its place: {e}")));
    }

    /// What became of the good plugin meanwhile.
    fn watched(&mut self, watch: &Watch, took: Duration) {
        if watch.failed > 0 {
            let first = watch.first_failure.clone().unwrap_or_default();
            self.problems.push(format!("{} calls of the bystander failed: {first}", watch.failed));
        }
        let answered_meanwhile = watch.answered.saturating_sub(1);
        if answered_meanwhile == 0 && took > NOTICEABLE {
            self.problems.push(format!("the bystander wasn't answered for {} ms", took.as_millis()));
        }
    }

    fn note(&mut self, result: Result<(), String>) {
        self.problems.extend(result.err());
    }
}
