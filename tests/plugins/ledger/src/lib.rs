//! Does with its store what it is told: the tool's name is the operation, its arguments say with what.
//!
//! `nothing` needs no store. The answer is `{"ok": …}`, or `{"error": {"code", "operation", "message"}}`. What is long is answered as its length.

#![forbid(unsafe_code)]

mod order;

use order::Order;
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Applied, Change, Entry, Range, StoreError};
use serde_json::Value;
use std::time::Duration;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Try to write before the plugin is live, and log what comes of it.
    #[serde(default)]
    write_in_activate: bool,
}

struct Ledger;

#[plugin(isolation(shared, pool, session, call))]
impl Ledger {
    fn activate(_: &Activation, settings: Settings) -> Self {
        if settings.write_in_activate {
            log::info!("in activate: {}", write_and_read());
        }
        Self
    }

    fn before_tool_call(&self, _: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        let order: Order = event.params.parse()?;
        let answer = match carry_out(&event.tool_name, &order) {
            Ok(Some(value)) => json!({ "ok": value }),
            Ok(None) => return Err(Error::new(format!("no such operation: {}", event.tool_name))),
            Err(error) => shown(&error),
        };
        Ok(Some(ToolDecision::rewrite(&answer)?))
    }
}

fn shown(error: &StoreError) -> Value {
    json!({ "error": { "code": error.code(), "operation": error.operation(), "message": error.message() } })
}

/// What comes of it before the plugin is live.
fn write_and_read() -> Value {
    let order = Order { key: "early".into(), value: json!(1), ..Order::default() };
    let outcome = |operation| match carry_out(operation, &order) {
        Ok(value) => json!({ "ok": value }),
        Err(error) => shown(&error),
    };
    json!([outcome("register"), outcome("consume"), outcome("clear"), outcome("lookup"), outcome("count")])
}

/// None for a name that is no operation.
fn carry_out(operation: &str, order: &Order) -> store::Result<Option<Value>> {
    if operation == "nothing" {
        return Ok(Some(Value::Null));
    }
    let store = order.open()?;
    let done = match operation {
        "open" => json!(store.namespace()),
        "register" => json!(order.register(&store)?),
        "register-if-absent" => json!(order.register_if_absent(&store)?),
        "lookup" => json!(store.lookup(&order.key)?),
        "many" => many(&store, order)?,
        "consume" => json!(store.consume(&order.key)?),
        "delete" => json!(store.delete(&order.key)?),
        "delete-if-equal" => json!(store.delete_if_equal(&order.key, &order.value)?),
        "entries" => rows(&store.entries()?),
        "range" => range(&store, order)?,
        "count" => json!(store.count()?),
        "clear" => json!(store.clear()?),
        "cas" => compare_and_apply(&store, order)?,
        "update-counter" => update(order)?,
        "big-value" => big_value(&store, order)?,
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// Keys and values, and for each row how long it lives.
fn rows(entries: &[Entry<Value>]) -> Value {
    let row = |entry: &Entry<Value>| json!([entry.key, entry.value, entry.expires_at.map(|end| end - entry.created_at)]);
    entries.iter().map(row).collect()
}

fn many(store: &Store<Value>, order: &Order) -> store::Result<Value> {
    let values = store.lookup_many(&order.keys)?;
    Ok(values.into_iter().map(|value| value.map_or_else(|error| shown(&error), |value| json!(value))).collect())
}

fn range(store: &Store<Value>, order: &Order) -> store::Result<Value> {
    let mut range = Range::up_to(order.limit).prefix(&order.prefix);
    if let Some(key) = &order.after {
        range = range.after(key);
    }
    if let Some(bytes) = order.max_bytes {
        range = range.max_bytes(bytes);
    }
    let page = store.range(if order.descending { range.descending() } else { range })?;
    Ok(json!({ "rows": rows(&page.entries), "more": page.more }))
}

/// Observes `key`, and `other` in namespace `other_ns`; writes `meanwhile` to one of them if told to; then applies `value` under that condition.
fn compare_and_apply(store: &Store<Value>, order: &Order) -> store::Result<Value> {
    let other = Order { ns: order.other_ns.clone(), ..order.clone() }.open()?;
    let (seen, condition) = (store.observe(&order.key)?, other.observe(&order.other)?.condition());
    match order.meanwhile.as_deref() {
        Some("key") => store.register(&order.key, &json!("meanwhile"))?,
        Some("other") => other.register(&order.other, &json!("meanwhile"))?,
        _ => {}
    }
    let change = match order.change.as_deref() {
        Some("keep") => Change::Keep,
        Some("delete") => Change::Delete,
        _ => Change::Set(order.value.clone()),
    };
    Ok(match store.apply_if(&seen, change, &[condition])? {
        Applied::Applied => json!("applied"),
        Applied::Unchanged => json!("unchanged"),
        Applied::Conflict(now) => json!({ "conflict": now.value }),
    })
}

/// Adds one. The first attempt takes its time, so that others are faster. Answers the sum and the number of attempts.
fn update(order: &Order) -> store::Result<Value> {
    let (store, mut attempts) = (order.open_as::<u64>()?, 0);
    let sum = store.update(&order.key, |old| {
        attempts += 1;
        if attempts == 1 {
            std::thread::sleep(Duration::from_millis(2));
        }
        old.unwrap_or(0) + 1
    })?;
    Ok(json!({ "sum": sum, "attempts": attempts }))
}

/// Writes texts of so many bytes of JSON under `key`, or under several keys that begin so.
fn big_value(store: &Store<Value>, order: &Order) -> store::Result<Value> {
    let value = json!("x".repeat(order.size.saturating_sub(2)));
    match order.rows {
        0 => store.register(&order.key, &value)?,
        rows => (0..rows).try_for_each(|n| store.register(&format!("{}{n:04}", order.key), &value))?,
    }
    Ok(json!(order.size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tool: &str, params: Value) -> Value {
        let call = ToolCall::new(tool, params.to_string());
        serde_json::from_str(&Ledger.before_tool_call(&Call::default(), call).unwrap().unwrap().params.unwrap()).unwrap()
    }

    #[test]
    fn it_does_as_it_is_told() {
        assert_eq!(ask("register", json!({ "key": "a", "value": { "n": 1 } })), json!({ "ok": null }));
        assert_eq!(ask("lookup", json!({ "key": "a" })), json!({ "ok": { "n": 1 } }));
        assert_eq!(ask("cas", json!({ "key": "a", "value": 2, "meanwhile": "other" })), json!({ "ok": { "conflict": { "n": 1 } } }));
        assert_eq!(ask("update-counter", json!({ "key": "n" })), json!({ "ok": { "sum": 1, "attempts": 1 } }));
        let refused = ask("big-value", json!({ "key": "a", "size": 65_537 }));
        assert_eq!((&refused["error"]["code"], &refused["error"]["operation"]), (&json!("limit-exceeded"), &json!("register")));
        assert!(Ledger.before_tool_call(&Call::default(), ToolCall::new("nonsense", "{}")).is_err());
    }
}
