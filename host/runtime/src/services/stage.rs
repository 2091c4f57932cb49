//! For tests: a host on the [`Fake`], and a plugin made by hand that has timers, commands, jobs and files.

use super::fake::Fake;
use crate::{Call, CommandAsked, Commands, Done, Fired, Grant, Grants, LoadError, Order, Plugin, PluginId, Plugins, PluginsSettings};
use crate::{Session, Settings, Source, Wanted};
use plugbay_engine::{CallError, CompileIn, Engine, EngineSettings};
use plugbay_guests::odd::Odd;
use plugbay_state::Memory;
use std::sync::Arc;

/// What it imports.
const IMPORTS: &str = r#"
  (import "plugbay:plugin/schedule@0.1.0" "turn" (func $turn (param i32 i32)))
  (import "plugbay:plugin/schedule@0.1.0" "timer" (func $timer (param i32 i32)))
  (import "plugbay:plugin/schedule@0.1.0" "jobs" (func $jobs (param i32 i32 i32 i32)))
  (import "plugbay:plugin/schedule@0.1.0" "cancel" (func $cancel (param i32 i32 i32)))
  (import "plugbay:plugin/schedule@0.1.0" "cancel-tag" (func $cancel_tag (param i32 i32 i32 i32 i32)))
  (import "plugbay:plugin/attachments@0.1.0" "create" (func $create (param i32 i32 i32 i32 i32 i32)))
  (import "plugbay:plugin/attachments@0.1.0" "[method]file.write" (func $write (param i32 i32 i32 i32)))
  (import "plugbay:plugin/attachments@0.1.0" "[method]file.size" (func $size (param i32) (result i64)))
  (import "plugbay:plugin/attachments@0.1.0" "[resource-drop]file" (func $drop_file (param i32)))
  (import "plugbay:plugin/attachments@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

/// What it does, by the first letter of a command's arguments. It says what it was answered; of an error the number of its code as a letter, then the message.
const COMMANDS: &str = r#"
  (func $say (param $at i32) (param $len i32) (result i32)
    (drop (call $none))
    (i32.store8 offset=4 (i32.const 1024) (i32.const 1))
    (i32.store offset=8 (i32.const 1024) (local.get $at))
    (i32.store offset=12 (i32.const 1024) (local.get $len))
    (i32.const 1024))
  (func $say_error (param $error i32) (result i32)
    (local $at i32) (local $len i32)
    (local.set $len (i32.load offset=8 (local.get $error)))
    (local.set $at (call $take (i32.add (local.get $len) (i32.const 1)) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $error)) (i32.const 97)))
    (memory.copy (i32.add (local.get $at) (i32.const 1)) (i32.load offset=4 (local.get $error)) (local.get $len))
    (call $say (local.get $at) (i32.add (local.get $len) (i32.const 1))))
  (func $zeros (result i32)
    (local $at i32)
    (local.set $at (call $take (i32.const 160) (i32.const 16)))
    (memory.fill (local.get $at) (i32.const 0) (i32.const 160))
    (local.get $at))
  (func $say_job (param $answer i32) (result i32)
    (if (result i32) (i32.load8_u (local.get $answer))
      (then (call $say_error (i32.add (local.get $answer) (i32.const 8))))
      (else (call $say (i32.load offset=8 (local.get $answer)) (i32.load offset=12 (local.get $answer))))))
  (func $is (param $deed i32) (param $letter i32) (result i32) (i32.eq (local.get $deed) (local.get $letter)))

  ;; t, p: a timer; p with a payload that is no JSON
  (func $do_timer (param $bad i32) (result i32)
    (local $args i32) (local $answer i32)
    (local.set $args (call $zeros)) (local.set $answer (call $zeros))
    (if (local.get $bad) (then
      (i32.store8 offset=8 (local.get $args) (i32.const 1))
      (i32.store offset=12 (local.get $args) (global.get $brace))
      (i32.store offset=16 (local.get $args) (global.get $brace_len))))
    (call $timer (local.get $args) (local.get $answer))
    (call $say_job (local.get $answer)))
  ;; u: a turn of the call's session: session, message, delivery, then the plan at 16
  (func $do_turn (param $session i32) (result i32)
    (local $args i32) (local $answer i32)
    (local.set $args (call $zeros)) (local.set $answer (call $zeros))
    (i32.store (local.get $args) (local.get $session))
    (i32.store offset=4 (local.get $args) (global.get $hello))
    (i32.store offset=8 (local.get $args) (global.get $hello_len))
    (i32.store8 offset=12 (local.get $args) (i32.const 1))
    (i32.store8 offset=16 (local.get $args) (i32.const 2))
    (i64.store offset=24 (local.get $args) (i64.const 60000))
    (call $turn (local.get $args) (local.get $answer))
    (call $say_job (local.get $answer)))
  ;; j: all jobs, the first one's id
  (func $do_jobs (result i32)
    (local $answer i32)
    (local.set $answer (call $zeros))
    (call $jobs (i32.const 0) (i32.const 0) (i32.const 0) (local.get $answer))
    (if (result i32) (i32.load8_u (local.get $answer))
      (then (call $say_error (i32.add (local.get $answer) (i32.const 4))))
      (else
        (local.set $answer (i32.load offset=4 (local.get $answer)))
        (call $say (i32.load (local.get $answer)) (i32.load offset=4 (local.get $answer))))))
  ;; c: one job is cancelled, then those with a tag about the session
  (func $do_cancel (param $session i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $zeros))
    (call $cancel (global.get $hello) (global.get $hello_len) (local.get $answer))
    (if (i32.load8_u (local.get $answer)) (then (return (call $say_error (i32.add (local.get $answer) (i32.const 4))))))
    (call $cancel_tag (i32.const 1) (local.get $session) (global.get $hello) (global.get $hello_len) (local.get $answer))
    (if (i32.load8_u (local.get $answer)) (then (return (call $say_error (i32.add (local.get $answer) (i32.const 4))))))
    (call $say (global.get $hello) (i32.load offset=4 (local.get $answer))))
  ;; a new file; its handle stands at 4 of the answer
  (func $new_file (param $answer i32)
    (call $create (global.get $name) (global.get $name_len) (i32.const 1) (global.get $type) (global.get $type_len) (local.get $answer)))
  ;; f: a file is written and sent
  (func $do_send (param $session i32) (result i32)
    (local $answer i32) (local $file i32)
    (local.set $answer (call $zeros))
    (call $new_file (local.get $answer))
    (if (i32.load8_u (local.get $answer)) (then (return (call $say_error (i32.add (local.get $answer) (i32.const 4))))))
    (local.set $file (i32.load offset=4 (local.get $answer)))
    (call $write (local.get $file) (global.get $hello) (global.get $hello_len) (local.get $answer))
    (call $write (local.get $file) (global.get $hello) (global.get $hello_len) (local.get $answer))
    (if (i64.ne (call $size (local.get $file)) (i64.const 10)) (then (unreachable)))
    (i32.store offset=32 (local.get $answer) (local.get $file))
    (call $send (local.get $session) (i32.add (local.get $answer) (i32.const 32)) (i32.const 1)
      (i32.const 1) (global.get $hello) (global.get $hello_len) (i32.const 1) (i32.const 0) (i32.const 0) (local.get $answer))
    (if (result i32) (i32.load8_u (local.get $answer))
      (then (call $say_error (i32.add (local.get $answer) (i32.const 4))))
      (else (call $say (i32.load offset=4 (local.get $answer)) (i32.load offset=8 (local.get $answer))))))
  ;; d: a file is dropped; k: one is kept
  (func $do_file (param $drop i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $zeros))
    (call $new_file (local.get $answer))
    (if (i32.load8_u (local.get $answer)) (then (return (call $say_error (i32.add (local.get $answer) (i32.const 4))))))
    (if (local.get $drop) (then (call $drop_file (i32.load offset=4 (local.get $answer)))))
    (call $none))

  (func $do (param $deed i32) (param $session i32) (result i32)
    (if (call $is (local.get $deed) (i32.const 0x74)) (then (return (call $do_timer (i32.const 0)))))
    (if (call $is (local.get $deed) (i32.const 0x70)) (then (return (call $do_timer (i32.const 1)))))
    (if (call $is (local.get $deed) (i32.const 0x75)) (then (return (call $do_turn (local.get $session)))))
    (if (call $is (local.get $deed) (i32.const 0x6a)) (then (return (call $do_jobs))))
    (if (call $is (local.get $deed) (i32.const 0x63)) (then (return (call $do_cancel (local.get $session)))))
    (if (call $is (local.get $deed) (i32.const 0x66)) (then (return (call $do_send (local.get $session)))))
    (if (call $is (local.get $deed) (i32.const 0x64)) (then (return (call $do_file (i32.const 1)))))
    (if (call $is (local.get $deed) (i32.const 0x6b)) (then (return (call $do_file (i32.const 0)))))
    (unreachable))
  (func (export "plugbay:plugin/commands@0.1.0#handle") (param $call i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $do (i32.load8_u (i32.load offset=104 (local.get $call))) (i32.load offset=28 (local.get $call))))
    (call $drop_borrowed (local.get $call))
    (local.get $answer))
  (export "cabi_post_plugbay:plugin/commands@0.1.0#handle" (func $release))"#;

/// Its timers, of which it has nothing to say.
const TIMERS: &str = r#"
  (func (export "plugbay:plugin/timers@0.1.0#handle") (param $call i32) (result i32)
    (call $drop_borrowed (local.get $call))
    (call $none))"#;

/// The plugin, with everything but timers. It imports nothing of `activate`'s and `describe`'s own.
pub(crate) fn handy() -> Odd {
    let texts = [("hello", "hello"), ("brace", "{"), ("name", "report.txt"), ("type", "text/plain")];
    let plugin = Odd::new("handy").without_hook().imports(IMPORTS).module(COMMANDS);
    let plugin = texts.into_iter().fold(plugin, |plugin, (name, text)| plugin.text(name, text));
    let plugin = plugin.describe(r#"{"commands":[{"name":"do","description":"d"}]}"#);
    let plugin = plugin.import_interface("plugbay:plugin/schedule@0.1.0").import_interface("plugbay:plugin/attachments@0.1.0");
    plugin.export_interface("plugbay:plugin/commands@0.1.0")
}

/// The same with timers.
pub(crate) fn with_timers(plugin: Odd) -> Odd {
    plugin.module(TIMERS).export_interface("plugbay:plugin/timers@0.1.0")
}

/// A host whose services are fake.
pub(crate) struct Stage {
    pub(crate) plugins: Plugins,
    pub(crate) services: Arc<Fake>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let engine = Engine::new(EngineSettings { cells: 10, ..EngineSettings::new(CompileIn::Thread) }).unwrap();
        let services = Arc::new(Fake::default());
        let settings = PluginsSettings { services: services.clone(), ..PluginsSettings::default() };
        Self { plugins: Plugins::with(engine, Arc::new(Memory::default()), settings).unwrap(), services }
    }

    pub(crate) fn id() -> PluginId {
        PluginId::try_from("handy".to_owned()).unwrap()
    }

    /// Both grants.
    pub(crate) fn granted() -> Settings {
        Settings { grants: Grants::granting([Grant::Schedule, Grant::Attachments]), ..Settings::default() }
    }

    pub(crate) async fn put(&self, plugin: Odd, settings: Settings, order: Order) -> Result<Done, LoadError> {
        let source = Source::bytes("handy.wasm", plugin.build());
        self.plugins.apply(Self::id(), Wanted::running(source, settings), order).await
    }

    pub(crate) fn plugin(&self) -> Arc<Plugin> {
        self.plugins.get("handy").unwrap()
    }

    /// What the plugin is answered that does this.
    pub(crate) async fn does(&self, deed: &str, session: &Session) -> Result<Option<String>, CallError> {
        let event = CommandAsked { name: "do".into(), args: deed.to_owned(), attrs: vec![] };
        let call = Call::new().session(session.clone());
        self.plugin().call::<Commands>(&call, &Fired::new(event)).await.map(|answer| answer.text)
    }
}
