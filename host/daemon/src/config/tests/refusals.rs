//! What is wrong with a file: every problem with its place and its words.

use super::parse;

/// Each problem as `line:column what`, with its hint.
fn problems(text: &str) -> Vec<String> {
    let error = parse(text).expect_err(text);
    let hint = |hint: &Option<String>| hint.as_ref().map_or(String::new(), |h| format!(" [{h}]"));
    error.problems().iter().map(|p| format!("{}:{} {}{}", p.line, p.column, p.what, hint(&p.hint))).collect()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(problems(text), [expected], "{text}");
}

#[test]
fn a_refusal_shows_the_line_and_what_was_meant() {
    let text = "[plugins.scribe]\n\tenabeld = true # ä\n";
    let shown = parse(text).unwrap_err().to_string();
    let expected = "\
/etc/plugbay/plugbay.toml:2:2: `plugins.scribe.enabeld`: there is no such setting; expected `enabled`, `required`, `isolation`, `grants`, `limits`, `budgets`, `drain`, `slots`, `config`
 2 |  enabeld …
   |  ^^^^^^^
   = hint: did you mean `enabled`?";
    assert_eq!(shown, expected);
}

#[test]
fn mistyped_names_are_refused_with_the_nearest() {
    let hints = [
        ("[plugin.a]", "did you mean `plugins`?"),
        ("[hots]", "did you mean `host`?"),
        ("[plugins.a]\ngrants.converstation = true", "did you mean `conversation`?"),
        ("[plugins.a.limits]\nmemroy = '1 MiB'", "did you mean `memory`?"),
        ("[plugins.a.budgets]\nbefore-toolcall = '1 s'", "did you mean `before-tool-call`?"),
        ("[watch]\nmissing_after = '1 s'", "did you mean `missing-after`?"),
        ("[slots]\ncontextengine = 'a'", "did you mean `context-engine`?"),
        ("[plugins.a]\nslots = ['context-engin']", "did you mean `context-engine`?"),
        ("[plugins.a]\nisolation = 'sharde'", "did you mean `shared`?"),
        ("[plugins]\nalow = ['a']", "did you mean `allow`?"),
        ("[logs]\nformat = 'jsno'", "did you mean `json`?"),
    ];
    for (text, hint) in hints {
        assert_eq!(parse(text).unwrap_err().problems()[0].hint.as_deref(), Some(hint), "{text}");
    }
    refused(
        "[colour]",
        "1:2 `colour`: there is no such section; expected `host`, `http`, `logs`, `watch`, `engine`, `state`, `model`, `agent`, `schedule`, `outbox`, `slots`, `plugins`",
    );
}

#[test]
fn quantities_need_a_unit_with_one_meaning() {
    let bytes = "a size such as \"64 MiB\", \"1 B\" or more";
    let memory = |value: &str| format!("plugins.a.limits.memory = {value}");
    let expected = |found: &str, hint: &str| format!("1:27 `plugins.a.limits.memory`: expected {bytes}; found {found}{hint}");
    refused(&memory("\"64 MB\""), &expected("\"64 MB\"", " [the unit is written `MiB`: \"64 MiB\"]"));
    refused(&memory("\"64M\""), &expected("\"64M\"", " [the unit is written `MiB`: \"64 MiB\"]"));
    refused(&memory("64"), &expected("64", " [the unit is missing: \"64 B\", \"64 KiB\", \"64 MiB\", \"64 GiB\"]"));
    refused(&memory("\"0 B\""), &expected("\"0 B\"", ""));
    refused(&memory("\"1.5 GiB\""), &expected("\"1.5 GiB\"", ""));
    refused(&memory("\"-1 MiB\""), &expected("\"-1 MiB\"", ""));
    refused(&memory("\"99999999999999999 GiB\""), &expected("\"99999999999999999 GiB\"", ""));
    let time = "1:14 `watch.poll`: expected a duration such as \"5 s\", \"10 ms\" or more, \"8760 h\" at most; found";
    refused("watch.poll = '1 m'", &format!("{time} \"1 m\" [the unit is written `min`: \"1 min\"]"));
    refused("watch.poll = '9 ms'", &format!("{time} \"9 ms\""));
    refused("watch.poll = '8761 h'", &format!("{time} \"8761 h\""));
    refused("watch.poll = 5", &format!("{time} 5 [the unit is missing: \"5 ms\", \"5 s\", \"5 min\", \"5 h\"]"));
}

#[test]
fn values_of_another_form_are_refused() {
    refused("plugins.a.enabled = 'yes'", "1:21 `plugins.a.enabled`: expected `true` or `false`; found \"yes\"");
    refused("state.rows = 50001", "1:14 `state.rows`: expected a whole number from 1 to 50000; found 50001");
    refused("state.keys = 0", "1:14 `state.keys`: expected a whole number, 1 or more; found 0");
    refused("state.keys = -0x1", "1:14 integers with a radix cannot be signed");
    refused("plugins.a.limits = 5", "1:20 `plugins.a.limits`: expected a table; found 5");
    let isolation = "`\"shared\"` or `\"session\"` or `\"call\"` or `{ pool = N }`";
    refused("plugins.a.isolation = { pol = 4 }", &format!("1:23 `plugins.a.isolation`: expected {isolation}; found a table"));
    refused("plugins.a.isolation.pool = 65536", "1:28 `plugins.a.isolation.pool`: expected a whole number from 1 to 65535; found 65536");
    refused(
        "http.listen = 'localhost:80'",
        "1:15 `http.listen`: expected an IP address and a port; found \"localhost:80\" [this machine only: \"127.0.0.1:80\"]",
    );
    refused("host.state = ''", "1:14 `host.state`: expected a path; found \"\"");
}

#[test]
fn ids_are_checked_where_they_stand() {
    let id = "a plugin's id: a lower-case letter, then up to 63 lower-case letters, digits and hyphens";
    refused("plugins.deny = ['a', 'B']", &format!("1:22 `plugins.deny`: expected {id}; found \"B\""));
    refused("plugins.deny = ['a', 'a']", "1:22 `plugins.deny`: this stands in the list twice");
    let no_id = "is no id: expected a lower-case letter, then up to 63 lower-case letters, digits and hyphens";
    refused("[plugins.\"No Id\"]", &format!("1:10 `plugins.\"No Id\"`: \"No Id\" {no_id}"));
    let reserved = "is a reserved word of this table, a list of plugins; no plugin of that id can have settings";
    refused("[plugins.allow]\nenabled = true", &format!("1:10 `plugins.allow`: `allow` {reserved}"));
    refused("plugins.deny.enabled = true", &format!("1:9 `plugins.deny`: `deny` {reserved}"));
}

#[test]
fn two_holders_of_a_slot_are_both_named() {
    refused(
        "[slots]\ncontext-engine = 'a'\n[plugins.b]\nslots = ['context-engine']",
        "4:10 `plugins.b.slots`: the slot `context-engine` can't go to `b`: `slots.context-engine` gives it to `a` \
         [a slot has one holder: leave one of the two out]",
    );
    let builtin = problems("slots.context-engine = 'builtin'\nplugins.b.slots = ['context-engine']");
    assert!(builtin[0].starts_with("2:20 ") && builtin[0].contains("gives it to `builtin`"), "{builtin:?}");
    assert_eq!(problems("plugins.a.slots = ['context-engine']\nplugins.b.slots = ['context-engine']").len(), 1);
}

#[test]
fn all_problems_are_listed_in_order() {
    let text = "[host]\nplugins = \nstate = 7\n[plugins.a\nenabled = 1\n[logs]\nlevl = 'info'\nlines = 'many'\nlines = 3\n[watch]\npoll = [1, , 2]\n";
    let places: Vec<_> = problems(text).iter().map(|p| p.split_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(places, ["2:11", "3:9", "4:11", "7:1", "8:9", "9:1", "11:12"], "{:#?}", problems(text));
    assert_eq!(problems("[host]\nplugins = \n")[0], "2:11 a value is missing after `=`");
    assert_eq!(problems("a = 1\na = 2").len(), 2, "an unknown name, and the same again");
}

#[test]
fn all_of_it_goes_into_one_line() {
    let error = parse("plugins = 3\n[hots]\n").unwrap_err();
    let expected = "/etc/plugbay/plugbay.toml:1:11: `plugins`: expected a table; found 3; \
         /etc/plugbay/plugbay.toml:2:2: `hots`: there is no such section; expected `host`, `http`, `logs`, `watch`, `engine`, `state`, `model`, `agent`, `schedule`, `outbox`, `slots`, `plugins` \
         (did you mean `host`?)";
    assert_eq!(format!("{error:#}"), expected);
    assert_eq!(format!("{:#}", crate::config::FileError::from(error)), expected);
}

#[test]
fn columns_count_characters() {
    refused(
        "'ää' = 1",
        "1:1 `\"ää\"`: there is no such section; expected `host`, `http`, `logs`, `watch`, `engine`, `state`, `model`, `agent`, `schedule`, `outbox`, `slots`, `plugins`",
    );
    refused("plugins = { ä = 1 }", "1:13 invalid unquoted key, expected letters, numbers, `-`, `_`");
    assert!(problems("logs = { level = 'ää', lines = true }")[1].starts_with("1:32 "));
}

#[test]
fn lines_that_may_hold_a_secret_arent_shown() {
    for text in [
        "[plugins.a.config]\ntoken = hunter2\n",
        "[plugins.a]\nconfig = { token = 'hunter2', key = }\n",
        "[plugins.a]\nconfig.token = hunter2\n",
        "[[plugins.a.config.rules]]\n# mine\ntoken = hunter2\n",
        "[plugins.a]\nconfig = 'hunter2'",
        "plugins.a.config = [nan, 'hunter2']",
        "[plugins.a]\nconfg = { token = 'hunter2' }",
        "[plugins]\n'A b' = { config.token = 'hunter2' }",
        "[plugins.a.config]\n\n[plugins.b.config]\nx = nan # hunter2",
    ] {
        let shown = parse(text).unwrap_err().to_string();
        assert!(!shown.contains("hunter2") && shown.contains(':'), "{shown}");
    }
    let shown = parse("[plugins.a.config]\ntoken = 'x'\n[logs]\nlines = many\n").unwrap_err().to_string();
    assert!(shown.contains("lines = many"), "{shown}");
}

#[test]
fn what_json_lacks_is_refused() {
    let json = "expected a number that JSON has: finite, and of 64 bits if it is whole";
    refused("plugins.a.config.x = [1, nan]", &format!("1:26 `plugins.a.config.x`: {json}"));
    refused("plugins.a.config.x.y = 9223372036854775808", &format!("1:24 `plugins.a.config.x.y`: {json}"));
}

#[test]
fn long_lines_are_cut_around_the_problem() {
    let text = format!("{}plugins.a.enabled = 7{}", " ".repeat(500), " ".repeat(500));
    let shown = parse(&text).unwrap_err().to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[1].len() < 130 && lines[1].contains("enabled = 7"), "{shown}");
    assert_eq!(lines[1].find('7'), lines[2].find('^'), "{shown}");
}

#[test]
fn no_text_makes_the_parser_fail_otherwise() {
    let good = super::nasty::FILES.join("\n");
    for end in (0..good.len()).filter(|n| good.is_char_boundary(*n)) {
        if let Err(error) = parse(&good[..end]) {
            assert!(!error.problems().is_empty() && !error.to_string().is_empty());
        }
    }
}

#[test]
fn a_model_that_cannot_be_asked_is_refused_where_it_is_chosen() {
    let model = "`openai` needs a model, and there is no `model.model` [name it as the server does: model = \"gpt-5-mini\"]";
    let key = "`openai` needs a key, and there is neither `model.key-env` nor `model.key-file` [say where it is; a server that needs none is named in `model.base-url`]";
    assert_eq!(
        problems("[model]\nprovider = 'openai'"),
        [format!("2:12 `model.provider`: {model}"), format!("2:12 `model.provider`: {key}")]
    );
    refused("[model]\nprovider = 'openai'\nkey-env = 'KEY'", &format!("2:12 `model.provider`: {model}"));
    refused("[model]\nprovider = 'openai'\nmodel = 'm'", &format!("2:12 `model.provider`: {key}"));
    let unread = "this is for a server, and none is asked: there is no `model.model` [name the server's model, or leave this out]";
    refused("[model]\nkey-env = 'KEY'", &format!("2:11 `model.key-env`: {unread}"));
    refused(
        "[model]\nmodel = 'm'\nkey-env = 'KEY'\nkey-file = 'key'",
        "4:12 `model.key-file`: the key is in `model.key-env` already [a key is in one place: leave one of the two out]",
    );
    let address = problems("[model]\nmodel = 'm'\nbase-url = 'ftp://somewhere'");
    assert_eq!(address, ["3:12 `model.base-url`: scheme `ftp` isn't `http` or `https`"]);
    let none_left =
        "3:11 `model.reserve`: 2000 tokens for the answer leave nothing of a window of 2000 [make it smaller, or `model.window` larger]";
    refused("[model]\nwindow = 2000\nreserve = 2000", none_left);
    for fine in [
        "window = 2000\nreserve = 1999",
        "provider = 'openai'\nmodel = 'm'\nkey-file = 'key'",
        "provider = 'openai'\nmodel = 'm'\nbase-url = 'http://127.0.0.1:1/v1'",
        "model = 'm'\nkey-env = 'KEY'",
    ] {
        assert!(parse(&format!("[model]\n{fine}")).is_ok(), "{fine}");
    }
}
