//! `plugbay tokens`: who may call the daemon over TCP.
//!
//! A new token's secret is all that `issue` prints to standard output, so that a script can keep it; it is shown this once.

use super::console::Console;
use super::{End, words};
use crate::api::types::{IssuedToken, NewToken, TokenList, TokenView};
use crate::client::{Content, Route};
use crate::output::{Paint, Side, Table, one_line};
use crate::tokens::Scope;
use anyhow::{Context, Result};
use clap::Subcommand;
use hyper::Method;
use jiff::{Span, SpanRelativeTo};
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Show all tokens, without their secrets.
    List,
    /// Make a token, and show it this once.
    Issue {
        /// Who or what it is for.
        name: String,
        /// What it may do: `operator.read`, `operator.write` or `operator.admin`.
        #[arg(long, value_name = "SCOPE")]
        scope: Scope,
        /// How long it is good, such as `12h` or `30d`. Left out: until it is revoked.
        #[arg(long = "expires", value_name = "DURATION", value_parser = lifetime)]
        lifetime: Option<Duration>,
    },
    /// Take a token back: from now on it is refused.
    Revoke {
        /// Its name.
        name: String,
    },
}

impl Tokens {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let tokens = Route::v1(&["tokens"]);
        match self {
            Self::List => console.look(&tokens, list).await,
            Self::Issue { name, scope, lifetime } => {
                let expires_at = lifetime.map(end).transpose()?;
                let asked =
                    Content::json(&NewToken { name, scope: scope.to_string(), expires_at }).context("can't write the request as JSON")?;
                let answer = console.client().send::<IssuedToken>(Method::POST, &tokens, asked).await?;
                console.print(&answer, |issued, _| one_line(&issued.secret) + "\n")?;
                if !console.json() {
                    let token = &answer.value.token;
                    let note = format!("token {}: {}, good until {}; it is shown this once", token.name, token.scope, until(token));
                    writeln!(std::io::stderr(), "{}", one_line(&note)).context("can't write to standard error")?;
                }
                Ok(End::Done)
            }
            Self::Revoke { name } => {
                let answer = console.client().send::<TokenView>(Method::DELETE, &Route::v1(&["tokens", &name]), Content::Empty).await?;
                console.print(&answer, |token, _| format!("{} is revoked\n", one_line(&token.name)))?;
                Ok(End::Done)
            }
        }
    }
}

fn list(list: &TokenList, paint: Paint) -> String {
    let mut table = Table::new(["TOKEN", "SCOPE", "MADE", "GOOD UNTIL"].map(|name| (name, Side::Left)));
    for token in &list.tokens {
        table.push([token.name.clone(), token.scope.clone(), words::time(token.created_at), until(token)]);
    }
    table.render_in(paint)
}

fn until(token: &TokenView) -> String {
    token.expires_at.map_or_else(|| "revoked".to_owned(), words::time)
}

/// A time that is long enough to be used; days have 24 hours.
fn lifetime(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "expected a time such as `12h` or `30d`";
    let span: Span = text.parse().map_err(|_| WRONG)?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| WRONG)?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero()).ok_or(WRONG)
}

/// When a token ends that is made now.
fn end(lifetime: Duration) -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let end = now.checked_add(lifetime).context("the token would outlive the calendar")?;
    u64::try_from(end.as_millis()).context("the token would outlive the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_as_people_write_them() {
        let seconds = |text| lifetime(text).map(|time| time.as_secs());
        assert_eq!(
            [seconds("12h"), seconds("30d"), seconds("1w 2d"), seconds("90 minutes")],
            [Ok(43_200), Ok(2_592_000), Ok(777_600), Ok(5_400)]
        );
        assert!(["0s", "-1h", "1 month", "soon", "30", ""].iter().all(|text| lifetime(text).is_err()));
    }
}
