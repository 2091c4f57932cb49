//! What is refused, with which words, and that nothing of it remains.

use crate::{compiler, lab};
use plugbay_engine::{CallError, CompileIn, EngineSettings, Fault, Limit, Refused};
use plugbay_guests::{built, odd};
use plugbay_runtime::{BeforeToolCall, Call, Reason, Settings, Standing, Step, SurfaceError};
use plugbay_tests::lab::{Lab, granted, tool_call};
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;

/// Offers a component twice and answers why it was refused.
async fn refusal(lab: &Lab, id: &str, component: &[u8]) -> (Step, Reason, String) {
    let first = lab.try_load(id, component, granted()).await.unwrap().err().expect("refused");
    let second = lab.try_load(id, component, granted()).await.unwrap().err().expect("refused again");
    let words = first.to_string();
    assert_eq!(words, second.to_string(), "the same file, the same answer");
    assert!(words.contains(&format!("{id}.wasm")) && words.contains(&format!("step `{}`", first.step)), "{words}");
    let listing = lab.plugins.get(id).expect("it is listed").listing();
    assert_eq!(listing.standing, Standing::Failed, "{listing:?}");
    assert!(listing.serving.is_none() && listing.active.is_none() && listing.generation == 0, "nothing half-loaded remains: {listing:?}");
    assert!(listing.why.is_some_and(|why| words.contains(&why)), "{words}");
    (first.step, first.reason, words)
}

#[tokio::test]
async fn what_is_no_component_is_told_apart() {
    let lab = lab();
    let native = lab.engine.wasm().precompile_component(&odd::good("native")).unwrap();
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("empty", Vec::new(), "an empty file"),
        ("text", b"(component)".to_vec(), "28 63 6f 6d 70 6f 6e 65"),
        ("core", odd::core_module(), "a core WebAssembly module"),
        ("native", native, "native code"),
        ("cut", odd::truncated(1_000), "garbled"),
    ];
    for (id, bytes, words) in cases {
        let (step, _, shown) = refusal(&lab, id, &bytes).await;
        assert_eq!(step, Step::Verify, "{shown}");
        assert!(shown.contains(words), "{shown}");
    }
}

#[tokio::test]
async fn a_component_over_its_size_is_refused_by_name_and_value() {
    let lab = Lab::with(compiler(), |s| s.component_size = 10_000).unwrap();
    let (step, reason, words) = refusal(&lab, "big", &[0; 10_001]).await;
    assert_eq!(step, Step::Verify);
    assert!(matches!(reason, Reason::Engine(Refused::Limit(_))));
    assert!(words.contains("10001 bytes wanted, 10000 bytes allowed (setting `engine.component-size`)"), "{words}");
}

#[tokio::test]
async fn another_api_version_is_refused_before_compiling_with_both_versions() {
    // This engine can't compile at all.
    let lab = Lab::with(compiler(), |s| s.compile_in = CompileIn::Child("/nonexistent".into())).unwrap();
    let (step, reason, words) = refusal(&lab, "other-api-version", &odd::other_api_version()).await;
    assert_eq!(step, Step::Verify);
    assert!(matches!(reason, Reason::Surface(SurfaceError::Version { .. })), "{words}");
    assert!(words.contains("0.9.0") && words.contains("0.1.0"), "{words}");
    let (step, ..) = refusal(&lab, "good", &odd::good("good")).await;
    assert_eq!(step, Step::Compile, "a good one gets as far as the compiler");
}

#[tokio::test]
async fn names_have_to_agree() {
    let lab = lab();
    let (_, reason, words) = refusal(&lab, "mine", &odd::good("theirs")).await;
    assert!(matches!(reason, Reason::OtherId { .. }));
    assert!(words.contains("`theirs`") && words.contains("`mine`"), "{words}");
    let file = lab.place("Bad_Name", &odd::good("good")).unwrap();
    let refused = lab.plugins.load(&file, granted()).await.err().unwrap();
    assert!(matches!(refused.reason, Reason::Name(_)), "{refused}");
    let gone = lab.plugins.load(&lab.folder().join("gone.wasm"), granted()).await.err().unwrap();
    assert!(matches!((gone.step, &gone.reason), (Step::Read, Reason::Unreadable(_))), "{gone}");
}

#[tokio::test]
async fn grants_that_nobody_decided_on_hold_the_plugin() {
    let lab = lab();
    let component = fs::read(built::ECHO_ONE).unwrap();
    let refused = lab.try_load("echo", &component, Settings::default()).await.unwrap().err().unwrap();
    assert_eq!(refused.step, Step::Grants);
    assert!(refused.to_string().contains("`conversation`") && refused.to_string().contains("plugins.echo.grants"), "{refused}");
    assert_eq!(lab.plugins.get("echo").unwrap().listing().standing, Standing::Held);
}

#[tokio::test]
async fn exports_outside_the_contract_are_ignored_and_shown() {
    let lab = lab();
    let (plugin, _) = lab.load("foreign-export", &odd::foreign_export(), granted()).await.unwrap();
    assert!(plugin.generation().unwrap().surface().ignored.iter().any(|name| name.starts_with("acme:extra/thing")));
}

#[tokio::test]
async fn one_bad_plugin_keeps_no_other_of_its_folder_from_loading() {
    let lab = lab();
    lab.place("a-good", &odd::good("a-good")).unwrap();
    lab.place("b-bad", b"nonsense").unwrap();
    lab.place("c-good", &odd::good("c-good")).unwrap();
    let results = lab.plugins.load_folder(lab.folder(), |_| granted()).await.unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let standings: Vec<_> = lab.plugins.all().iter().map(|p| (p.id().to_string(), p.listing().standing)).collect();
    let named = |id: &str, standing| (id.to_owned(), standing);
    assert_eq!(standings, [named("a-good", Standing::Active), named("b-bad", Standing::Failed), named("c-good", Standing::Active)]);
}

#[tokio::test]
async fn compiled_code_is_kept_and_never_trusted_unseen() {
    let lab = Lab::new(compiler()).unwrap();
    lab.load("good", &odd::good("good"), granted()).await.unwrap();
    let kept: Vec<_> = fs::read_dir(lab.folder().join("cache")).unwrap().map(|e| e.unwrap().path()).collect();
    let code = kept.iter().find(|f| f.extension().is_some_and(|e| e == "cwasm")).unwrap();
    assert_eq!(fs::metadata(lab.folder().join("cache")).unwrap().permissions().mode() & 0o777, 0o700);

    // An engine that can't compile loads it from there; after one flipped bit it refuses, as it would have to compile.
    let dumb = Lab::with(compiler(), |s| {
        s.compile_in = CompileIn::Child("/nonexistent".into());
        s.cache = Some(plugbay_engine::CacheSettings { folder: lab.folder().join("cache"), key: lab.folder().join("cache.key") });
    })
    .unwrap();
    dumb.load("good", &odd::good("good"), granted()).await.unwrap();
    let mut bytes = fs::read(code).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(code).unwrap(); // the old one is mapped: never changed in place
    fs::write(code, &bytes).unwrap();
    let other = || Settings { drain: std::time::Duration::from_secs(1), ..granted() };
    let refused = dumb.try_load("good", &odd::good("good"), other()).await.unwrap().err().unwrap();
    assert_eq!(refused.step, Step::Compile, "{refused}");
    // One that can compile makes it again.
    let (_, loaded) = lab.load("good", &odd::good("good"), other()).await.unwrap();
    assert!(matches!(loaded, plugbay_runtime::Loaded::Replaced { .. }));
    assert_ne!(fs::read(code).unwrap(), bytes);
}

#[tokio::test]
async fn the_native_stack_is_a_setting() {
    let deep = async |stack: usize| {
        let lab = Lab::with(compiler(), |s| s.stack = NonZeroUsize::new(stack).unwrap()).unwrap();
        let (plugin, _) = lab.load("stack-overflow", &odd::stack_overflow(), granted()).await.unwrap();
        let error = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &serde_json::json!({}))).await.unwrap_err();
        let CallError::Fault(Fault::Limit(over)) = error else { panic!("{error:?}") };
        (over.limit, over.allowed)
    };
    assert_eq!(deep(256 << 10).await, (Limit::Stack, 256 << 10));
    assert_eq!(deep(1 << 20).await, (Limit::Stack, 1 << 20));
}

#[tokio::test]
async fn a_cache_key_inside_the_cache_or_open_to_others_is_refused() {
    let lab = Lab::new(compiler()).unwrap();
    let folder = lab.folder().join("cache");
    let open = |key: std::path::PathBuf| {
        let cache = Some(plugbay_engine::CacheSettings { folder: folder.clone(), key });
        plugbay_engine::Engine::new(EngineSettings { cells: 4, cache, ..EngineSettings::new(CompileIn::Thread) }).map(drop)
    };
    assert!(open(folder.join("key")).unwrap_err().to_string().contains("outside"));
    let loose = folder.with_file_name("loose.key");
    fs::create_dir_all(&folder).unwrap();
    fs::write(&loose, [0; 32]).unwrap();
    fs::set_permissions(&loose, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(open(loose).unwrap_err().to_string().contains("chmod 600"));
}
