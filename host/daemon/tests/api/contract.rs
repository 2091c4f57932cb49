//! The OpenAPI document, and whether an answer is one that it promises.

use super::client::Answer;
use hyper::Method;
use serde_json::{Value, json};

pub(crate) struct Contract(Value);

impl Contract {
    pub(crate) fn of(document: Value) -> Self {
        Self(document)
    }

    /// Method, path and scope of every operation; no scope: for anybody.
    pub(crate) fn operations(&self) -> Vec<(Method, String, Option<String>)> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let scope = operation.pointer("/security/0/token/0").map(|scope| scope.as_str().unwrap().to_owned());
                all.push((method.to_uppercase().parse().unwrap(), path.clone(), scope));
            }
        }
        all
    }

    /// Fails unless this answer to this request is documented: its status, its type, and its body by its schema.
    #[track_caller]
    pub(crate) fn holds(&self, method: &Method, path: &str, answer: &Answer) {
        let path = path.split('?').next().unwrap();
        let method = method.as_str().to_lowercase();
        let status = answer.status.as_u16().to_string();
        let template = self.0["paths"].as_object().unwrap().iter().find(|(template, _)| fits(template, path));
        let Some(operation) = template.and_then(|(_, item)| item.get(&method)) else {
            let expected = if template.is_some() { "405" } else { "404" };
            assert_eq!(status, expected, "{method} {path} isn't documented: {}", answer.text());
            return self.is(&json!({ "$ref": "#/components/schemas/Problem" }), &answer.json());
        };
        let response = &operation["responses"][&status];
        assert!(response.is_object(), "{method} {path}: {status} isn't documented: {}", answer.text());
        let kind = answer.kind().split(';').next().unwrap();
        let content = [kind, "*/*"].iter().find_map(|kind| response["content"].get(kind)).unwrap_or(&Value::Null);
        assert!(content.is_object(), "{method} {path}: {status} as {kind:?} isn't documented: {}", answer.text());
        if kind == "application/json" && response["content"].get(kind).is_some() {
            self.is(&content["schema"], &answer.json());
        }
    }

    /// Fails unless a value is as its schema says, and has nothing more.
    #[track_caller]
    pub(crate) fn is(&self, schema: &Value, value: &Value) {
        assert!(schema.is_object(), "no schema for {value}");
        let open = schema.get("$ref").is_none();
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "unevaluatedProperties": open,
            "components": self.0["components"],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?} in {value:#}");
    }
}

/// Whether a path is of this template.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(part, given): (&&str, &&str)| part == given || (part.starts_with('{') && !given.is_empty());
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}
