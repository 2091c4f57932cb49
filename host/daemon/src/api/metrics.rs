//! Everything that is counted, as Prometheus reads it.
//!
//! Gathered when it is asked for: plugins count for themselves, and this only writes it down, which costs microseconds a plugin. Counters are those of the
//! generation that serves, so they begin again with each; readers of counters take that for what it is.

use crate::api::types::SlotView;
use crate::config::BUILTIN;
use crate::host::{Failure, Host};
use plugbay_runtime::{Counted, Generation, Listing, Standing};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// The type of what is gathered.
pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Export {
    plugin: String,
    version: String,
    export: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Version {
    plugin: String,
    version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Plugin {
    plugin: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stands {
    plugin: String,
    standing: &'static str,
}

type Count = Family<Export, Counter>;
type Seconds = Counter<f64, AtomicU64>;

/// What is known of plugins.
#[derive(Default)]
struct Board {
    calls: Count,
    faults: Count,
    failed: Count,
    cut: Count,
    unserved: Count,
    host_calls: Count,
    cpu: Family<Export, Seconds>,
    memory: Family<Export, Gauge>,
    warm: Family<Version, Gauge>,
    standing: Family<Stands, Gauge>,
    generation: Family<Plugin, Gauge>,
    engine: Family<Plugin, Gauge>,
}

/// All metrics, as text.
pub(super) fn gather(host: &Host) -> Result<String, Failure> {
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix("plugbay");
    own.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let retired = host.plugins().retired_cells();
    own.register("retired_cells", "Cells of generations that are replaced, and that are still busy", gauge(retired as u64));
    let board = Board::default();
    for plugin in host.plugins().all() {
        board.note(&plugin.listing());
    }
    board.note_engines(host);
    board.register(own);
    #[cfg(target_os = "linux")]
    process::register(registry.sub_registry_with_prefix("process"))?;
    let mut text = String::new();
    encode(&mut text, &registry).map_err(Failure::internal)?;
    Ok(text)
}

impl Board {
    fn note(&self, listing: &Listing) {
        let plugin = listing.id.to_string();
        for standing in ALL_STANDINGS {
            let label = Stands { plugin: plugin.clone(), standing: standing.name() };
            self.standing.get_or_create(&label).set(i64::from(listing.standing == standing));
        }
        set(&self.generation.get_or_create(&Plugin { plugin }), listing.generation);
        if let Some(serving) = &listing.serving {
            self.note_generation(&serving.generation);
        }
    }

    /// Who is in the slot, and the built-in engine.
    fn note_engines(&self, host: &Host) {
        for SlotView { preferred, serving, .. } in host.slots().slots {
            for plugin in preferred.into_iter().chain([BUILTIN.to_owned()]) {
                let serves = plugin == serving;
                self.engine.get_or_create(&Plugin { plugin }).set(i64::from(serves));
            }
        }
    }

    fn note_generation(&self, generation: &Generation) {
        let manifest = generation.manifest();
        let (plugin, version) = (manifest.id.to_string(), manifest.version.to_string());
        for (export, counted) in generation.counted() {
            self.note_export(&Export { plugin: plugin.clone(), version: version.clone(), export: export.to_owned() }, counted);
        }
        set(&self.warm.get_or_create(&Version { plugin, version }), generation.warm_cells() as u64);
    }

    fn note_export(&self, label: &Export, counted: Counted) {
        let Counted { calls, faults, failed, cut, unserved, cpu, host_calls, memory } = counted;
        let counts = [(&self.calls, calls), (&self.faults, faults), (&self.failed, failed), (&self.cut, cut)];
        for (family, n) in counts.into_iter().chain([(&self.unserved, unserved), (&self.host_calls, host_calls)]) {
            family.get_or_create(label).inc_by(n);
        }
        self.cpu.get_or_create(label).inc_by(cpu.as_secs_f64());
        set(&self.memory.get_or_create(label), memory);
    }

    fn register(self, own: &mut Registry) {
        own.register("calls", "Calls that reached the plugin", self.calls);
        own.register("calls_faulted", "Calls that ended in a fault", self.faults);
        own.register("calls_failed", "Calls that the plugin answered with an error", self.failed);
        own.register("calls_cut", "Calls that the host cut off", self.cut);
        own.register("calls_unserved", "Calls that never reached the plugin: busy, closed, or too late", self.unserved);
        own.register("host_calls", "Calls from the plugin into the host", self.host_calls);
        own.register_with_unit("cpu", "Processor time of calls", Unit::Seconds, self.cpu);
        own.register_with_unit("memory_peak", "The most memory that a cell had after a call", Unit::Bytes, self.memory);
        own.register("warm_cells", "Cells that are ready for the next call", self.warm);
        own.register("standing", "1 where the plugin stands, 0 where it doesn't", self.standing);
        own.register("context_engine", "1 for who decides what models see, 0 for who would and is kept from it", self.engine);
        own.register("generation", "How often something of the plugin was published", self.generation);
    }
}

const ALL_STANDINGS: [Standing; 6] =
    [Standing::Active, Standing::Disabled, Standing::Held, Standing::Missing, Standing::Failed, Standing::Quarantined];

fn set(gauge: &Gauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn gauge(value: u64) -> Gauge {
    let gauge = Gauge::default();
    set(&gauge, value);
    gauge
}

/// What the process itself uses, by the names that Prometheus' own libraries give it.
#[cfg(target_os = "linux")]
mod process {
    use super::{Seconds, gauge};
    use crate::host::Failure;
    use procfs::process::Process;
    use prometheus_client::registry::{Registry, Unit};

    pub(super) fn register(process: &mut Registry) -> Result<(), Failure> {
        let own = Process::myself().map_err(Failure::internal)?;
        let stat = own.stat().map_err(Failure::internal)?;
        let ticks = procfs::ticks_per_second();
        let cpu = Seconds::default();
        cpu.inc_by((stat.utime + stat.stime) as f64 / ticks as f64);
        process.register_with_unit("cpu", "Processor time of the whole process", Unit::Seconds, cpu);
        process.register_with_unit("resident_memory", "Memory of the whole process", Unit::Bytes, gauge(stat.rss * procfs::page_size()));
        process.register("open_fds", "Open files and sockets", gauge(own.fd_count().map_err(Failure::internal)? as u64));
        let boot = procfs::boot_time_secs().map_err(Failure::internal)?;
        process.register_with_unit("start_time", "When the process began, since 1970", Unit::Seconds, gauge(boot + stat.starttime / ticks));
        Ok(())
    }
}
