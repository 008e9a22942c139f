//! A push's body, or the service's 422 for it, in FastAPI's list form.

use serde_json::{Map, Value, json};

use revrag::model::NewRecord;

/// The entries of a 422's `detail`.
pub(super) type Faults = Vec<Value>;

/// Faults that are told at once: an answer is not a hundred times as long as its request.
const MOST_FAULTS: usize = 1_000;

/// The records of a push's body. Its faults are told at once.
pub(super) fn push(body: &[u8]) -> Result<Vec<NewRecord>, Faults> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        let at = error.column();
        vec![json!({
            "type": "json_invalid",
            "loc": ["body", at],
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": "the body is not JSON"},
        })]
    })?;
    let Value::Object(body) = body else {
        return Err(vec![fault("model_attributes_type", json!(["body"]), DICTIONARY, &body)]);
    };
    let loc = json!(["body", "records"]);
    let records = match body.get("records") {
        None => return Err(vec![fault("missing", loc, "Field required", &Value::Object(body))]),
        Some(Value::Array(records)) if records.is_empty() => {
            let msg = "List should have at least 1 item after validation, not 0";
            return Err(vec![fault("too_short", loc, msg, &json!([]))]);
        }
        Some(Value::Array(records)) => records,
        Some(other) => {
            return Err(vec![fault("list_type", loc, "Input should be a valid list", other)]);
        }
    };
    let mut faults = Vec::new();
    let mut read = Vec::with_capacity(records.len());
    for (index, it) in records.iter().enumerate() {
        read.push(record(it, index, &mut faults));
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() { Ok(read) } else { Err(faults) }
}

const DICTIONARY: &str = "Input should be a valid dictionary or object to extract fields from";

fn record(value: &Value, index: usize, faults: &mut Faults) -> NewRecord {
    let Value::Object(fields) = value else {
        let loc = json!(["body", "records", index]);
        faults.push(fault("model_attributes_type", loc, DICTIONARY, value));
        return NewRecord::default();
    };
    if !fields.contains_key("phone_number") {
        let loc = json!(["body", "records", index, "phone_number"]);
        faults.push(fault("missing", loc, "Field required", value));
    }
    let mut text = |name: &str, nullable: bool| match fields.get(name) {
        None => None,
        Some(Value::Null) if nullable => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => {
            let loc = json!(["body", "records", index, name]);
            faults.push(fault("string_type", loc, "Input should be a valid string", other));
            None
        }
    };
    let phone_number = text("phone_number", false).unwrap_or_default();
    let app_user_id = text("app_user_id", true);
    let app_session_id = text("app_session_id", true);
    let variables = match fields.get("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables.clone(),
        Some(other) => {
            let loc = json!(["body", "records", index, "variables"]);
            faults.push(fault("dict_type", loc, "Input should be a valid dictionary", other));
            Map::new()
        }
    };
    NewRecord { phone_number, variables: Some(variables), app_user_id, app_session_id }
}

/// A number in a query, from `least` to `most`.
pub(super) fn query_number(
    name: &str,
    text: Option<&str>,
    default: u64,
    most: Option<u64>,
) -> Result<u64, Faults> {
    let Some(text) = text else { return Ok(default) };
    let refuse = |kind: &str, msg: &str| {
        Err(vec![fault(kind, json!(["query", name]), msg, &Value::from(text))])
    };
    match text.parse::<i128>() {
        Err(_) => refuse(
            "int_parsing",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        Ok(number) if number < 1 => {
            refuse("greater_than_equal", "Input should be greater than or equal to 1")
        }
        Ok(number) => match (u64::try_from(number), most) {
            (Ok(number), Some(most)) if number > most => {
                refuse("less_than_equal", &format!("Input should be less than or equal to {most}"))
            }
            (Ok(number), _) => Ok(number),
            (Err(_), _) => refuse("less_than_equal", "Input should be a smaller integer"),
        },
    }
}

/// The fault of a push whose content type is not JSON's: its body is taken for text.
pub(super) fn not_json_content(body: &[u8]) -> Faults {
    let body = Value::String(String::from_utf8_lossy(body).into_owned());
    vec![fault("model_attributes_type", json!(["body"]), DICTIONARY, &body)]
}

#[allow(clippy::needless_pass_by_value, reason = "it is made for this, by json!")]
fn fault(kind: &str, loc: Value, msg: &str, input: &Value) -> Value {
    json!({"type": kind, "loc": loc, "msg": msg, "input": input})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locs(body: &str) -> Vec<Value> {
        push(body.as_bytes()).unwrap_err().into_iter().map(|fault| fault["loc"].clone()).collect()
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let table = [
            ("{", json!([["body", 1]])),
            ("[]", json!([["body"]])),
            ("{}", json!([["body", "records"]])),
            (r#"{"records": {}}"#, json!([["body", "records"]])),
            (r#"{"records": []}"#, json!([["body", "records"]])),
            (
                r#"{"records": [1, {}, {"phone_number": null, "variables": []}]}"#,
                json!([
                    ["body", "records", 0],
                    ["body", "records", 1, "phone_number"],
                    ["body", "records", 2, "phone_number"],
                    ["body", "records", 2, "variables"]
                ]),
            ),
            (
                r#"{"records": [{"phone_number": "1", "app_user_id": 1, "app_session_id": false}]}"#,
                json!([
                    ["body", "records", 0, "app_user_id"],
                    ["body", "records", 0, "app_session_id"]
                ]),
            ),
        ];
        for (body, expected) in table {
            assert_eq!(Value::from(locs(body)), expected, "{body}");
        }
    }

    #[test]
    fn optional_fields_may_be_null_or_absent() {
        let body =
            r#"{"records": [{"phone_number": "1", "variables": null, "app_user_id": null}]}"#;
        let records = push(body.as_bytes()).unwrap();
        assert_eq!(records[0].variables, Some(Map::new()));
        assert_eq!(records[0].app_user_id, None);
    }

    #[test]
    fn page_numbers_have_bounds() {
        let number = |text| query_number("page_size", Some(text), 50, Some(200)).ok();
        assert_eq!(number("200"), Some(200));
        for bad in ["201", "0", "-1", "x", "", "1.5", "99999999999999999999999"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!(query_number("page", None, 1, None), Ok(1));
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = push(&body);
        }
    }
}
