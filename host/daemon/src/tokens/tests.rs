use super::*;

const NOW: u64 = 1_000_000;

fn headers<'a>(values: &[&'a str]) -> Vec<&'a [u8]> {
    values.iter().map(|value| value.as_bytes()).collect()
}

#[test]
fn a_token_opens_what_its_scope_includes_and_nothing_more() {
    let mut tokens = Tokens::default();
    for held in Scope::ALL {
        let (secret, _) = tokens.issue(held.name(), held, None, NOW).unwrap();
        let caller = tokens.check(secret.reveal(), NOW).unwrap();
        assert_eq!((caller.name.as_str(), caller.scope), (held.name(), held));
        for needed in Scope::ALL {
            let expected = if needed <= held { Ok(()) } else { Err(Refused::TooSmall { name: held.name().into(), needed, held }) };
            assert_eq!(caller.require(needed), expected);
        }
    }
    let refused = Refused::TooSmall { name: "ci".into(), needed: Scope::Admin, held: Scope::Read }.to_string();
    assert_eq!(refused, "this needs operator.admin, and the token \"ci\" has operator.read: issue one with operator.admin");
}

#[test]
fn scopes_have_the_names_that_plugins_know() {
    let names: Vec<_> = Scope::ALL.iter().map(|scope| serde_json::to_value(scope).unwrap()).collect();
    assert_eq!(names, ["operator.read", "operator.write", "operator.admin"]);
    for scope in Scope::ALL {
        assert_eq!((scope.to_string().parse(), serde_json::to_value(scope).unwrap()), (Ok(scope), scope.name().into()));
    }
    assert_eq!(
        "admin".parse::<Scope>().unwrap_err().to_string(),
        "\"admin\" is no scope: expected operator.read, operator.write or operator.admin"
    );
}

#[test]
fn a_token_is_long_random_and_of_one_form() {
    let mut tokens = Tokens::default();
    let issued: Vec<_> = (0..100).map(|n| tokens.issue(&format!("t{n}"), Scope::Read, None, NOW).unwrap().0).collect();
    for (n, secret) in issued.iter().enumerate() {
        assert!(secret.reveal().starts_with("plugbay_") && secret.reveal().len() == 51, "{}", secret.reveal());
        assert_eq!(bearer(headers(&[&format!("Bearer {}", secret.reveal())])), Ok(secret.reveal()));
        assert_eq!(tokens.check(secret.reveal(), NOW).unwrap().name, format!("t{n}"));
        assert!(issued.iter().skip(n + 1).all(|other| other.reveal() != secret.reveal()));
    }
}

#[test]
fn neither_records_nor_debugging_show_the_secret_and_records_read_back() {
    let mut tokens = Tokens::default();
    let (secret, record) = tokens.issue("ci", Scope::Write, Some(NOW + 5), NOW).unwrap();
    let json = serde_json::to_string(&record).unwrap();
    let rest = secret.reveal().strip_prefix("plugbay_").unwrap();
    let shown = format!("{json} {record:?} {secret:?} {tokens:?} {:?}", tokens.list());
    assert!(!shown.contains(rest), "{shown}");
    assert!(json.contains(&blake3::hash(secret.reveal().as_bytes()).to_hex().to_string()), "{json}");

    let again = Tokens::from_records(vec![serde_json::from_str(&json).unwrap()]);
    assert_eq!(again.list(), [record]);
    assert_eq!(again.check(secret.reveal(), NOW).unwrap(), Caller { name: "ci".into(), scope: Scope::Write });
    let wrong = json.replace("hash\":\"", "hash\":\"x");
    assert!(serde_json::from_str::<TokenRecord>(&wrong).unwrap_err().to_string().contains("64 hexadecimal digits"));
}

#[test]
fn what_was_not_issued_or_is_revoked_is_unknown() {
    let mut tokens = Tokens::default();
    let (first, _) = tokens.issue("first", Scope::Admin, None, NOW).unwrap();
    let (second, _) = tokens.issue("second", Scope::Admin, None, NOW).unwrap();
    for near in [&first.reveal()[..50], &format!("{}A", first.reveal()), "", &first.reveal().to_ascii_uppercase()] {
        assert_eq!(tokens.check(near, NOW), Err(Refused::Unknown));
    }
    assert!(tokens.revoke("first") && !tokens.revoke("first"));
    assert_eq!(tokens.check(first.reveal(), NOW), Err(Refused::Unknown));
    assert_eq!(tokens.check(second.reveal(), NOW).unwrap().name, "second");
    assert_eq!(Tokens::default().check(second.reveal(), NOW), Err(Refused::Unknown));
}

#[test]
fn a_token_expires_at_its_moment_and_says_its_name() {
    let mut tokens = Tokens::default();
    let (secret, _) = tokens.issue("short", Scope::Read, Some(NOW + 10), NOW).unwrap();
    assert!(tokens.check(secret.reveal(), NOW + 9).is_ok());
    assert_eq!(tokens.check(secret.reveal(), NOW + 10), Err(Refused::Expired { name: "short".into(), ago: 0 }));
    assert_eq!(tokens.check(secret.reveal(), NOW + 17), Err(Refused::Expired { name: "short".into(), ago: 7 }));
    assert_eq!(tokens.list()[0].last_used, Some(NOW + 9));
}

#[test]
fn names_are_checked_and_used_once_and_an_expiry_is_to_come() {
    let mut tokens = Tokens::default();
    for wrong in ["", ".a", "a b", "a\n", "ä", &"a".repeat(65)] {
        assert!(matches!(tokens.issue(wrong, Scope::Read, None, NOW), Err(IssueError::Name(_))), "{wrong:?}");
    }
    tokens.issue(&"a".repeat(64), Scope::Read, None, NOW).unwrap();
    tokens.issue("ci-1.x_y", Scope::Read, None, NOW).unwrap();
    assert!(matches!(tokens.issue("ci-1.x_y", Scope::Admin, None, NOW), Err(IssueError::Taken(name)) if name == "ci-1.x_y"));
    assert!(matches!(tokens.issue("late", Scope::Read, Some(NOW), NOW), Err(IssueError::Expired { ago: 0 })));
    assert_eq!(tokens.list().len(), 2);
}

#[test]
fn use_is_noted_and_handed_out_once_to_be_kept() {
    let mut tokens = Tokens::default();
    let (secret, record) = tokens.issue("used", Scope::Read, None, NOW).unwrap();
    tokens.issue("unused", Scope::Read, None, NOW).unwrap();
    assert_eq!((record.last_used, tokens.take_used()), (None, vec![]));
    tokens.check(secret.reveal(), NOW + 2).unwrap();
    tokens.check(secret.reveal(), NOW + 1).unwrap();
    assert_eq!(tokens.take_used(), [TokenRecord { last_used: Some(NOW + 2), ..record }]);
    assert_eq!(tokens.take_used(), []);
}

#[test]
fn a_header_is_one_bearer_token_and_nothing_else() {
    let token = format!("plugbay_{}", "aZ0-_".repeat(9).get(..43).unwrap());
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(bearer(headers(&[&format!("{scheme} {token}")])), Ok(token.as_str()));
    }
    assert_eq!(bearer(headers(&[])), Err(Refused::Missing));
    let basic = format!("Basic {token}");
    let more = format!("Bearer {token}a");
    let two = format!("Bearer {token}, Bearer {token}");
    let cases = [
        &token,
        "",
        "Bearer",
        "Bearer ",
        &basic,
        &more,
        &two,
        &format!("Bearer  {token}"),
        &format!("Bearer {token} "),
        &format!(" Bearer {token}"),
    ];
    for wrong in cases {
        let refused = bearer(headers(&[wrong])).unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_)), "{wrong:?}: {refused}");
        assert!(!format!("{refused} {refused:?}").contains(&token[8..]), "{refused}");
    }
    let good = format!("Bearer {token}");
    assert_eq!(bearer(headers(&[&good, &good])), Err(Refused::Malformed("there is more than one Authorization header")));
    assert_eq!(bearer([b"Bearer \xff".as_slice()]), Err(Refused::Malformed("the Authorization header isn't text")));
}
