//! The headers of a delivery, as people have them: lines, or JSON.

use serde_json::Value;

/// Reads headers out of a text: `Name: value` on each line, also as `curl -v` prints them, or a JSON
/// object, or a JSON list of pairs.
pub(super) fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        return from_json(text);
    }
    let mut headers = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")).unwrap_or(line);
        let line = line.trim();
        // A request line, or what `curl -v` says between the headers.
        let is_aside = line.is_empty() || line == ">" || line == "<" || line.starts_with("* ");
        if is_aside || line.ends_with("HTTP/1.1") || line.ends_with("HTTP/2") {
            continue;
        }
        headers.push(pair(line).ok_or_else(|| format!("line {} is no `Name: value`", at + 1))?);
    }
    Ok(headers)
}

/// A header as `Name: value`.
pub(super) fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| (name.to_owned(), value.trim().to_owned()))
}

fn from_json(text: &str) -> Result<Vec<(String, String)>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        format!("it is not JSON (line {}, column {})", error.line(), error.column())
    })?;
    let one = |name: &Value, value: &Value| {
        // Gateways pass each header as a list of its values.
        let value = match value {
            Value::Array(values) if values.len() == 1 => &values[0],
            value => value,
        };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err("a header is neither a text nor a number".to_owned()),
        };
        let name = name.as_str().ok_or("the name of a header is no text")?;
        Ok((name.to_owned(), text))
    };
    match &value {
        Value::Object(fields) => {
            // What API gateways log has the headers inside.
            if let Some(inner @ Value::Object(_)) = fields.get("headers") {
                return from_json(&inner.to_string());
            }
            let headers = fields.iter();
            headers.map(|(name, value)| one(&name.as_str().into(), value)).collect()
        }
        Value::Array(pairs) => {
            let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
                Some([name, value]) => one(name, value),
                _ => Err("the list does not hold pairs".to_owned()),
            };
            pairs.iter().map(pair).collect()
        }
        _ => Err("it is no object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_them_is_read() {
        let expected = [
            ("X-Webhook-ID".to_owned(), "evt_1".to_owned()),
            ("X-Webhook-Timestamp".to_owned(), "17".to_owned()),
        ];
        for text in [
            "X-Webhook-ID: evt_1\nX-Webhook-Timestamp:17\n",
            "POST /revrag HTTP/1.1\r\nX-Webhook-ID: evt_1\r\nX-Webhook-Timestamp: 17\r\n\r\n",
            "* connected\n> POST / HTTP/1.1\n> X-Webhook-ID: evt_1\n> X-Webhook-Timestamp: 17\n>\n",
            r#"{"X-Webhook-ID": "evt_1", "X-Webhook-Timestamp": 17}"#,
            r#"{"headers": {"X-Webhook-ID": ["evt_1"], "X-Webhook-Timestamp": "17"}}"#,
            r#" [["X-Webhook-ID", "evt_1"], ["X-Webhook-Timestamp", "17"]]"#,
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_header_is_told_by_its_line() {
        assert_eq!(read("A: 1\nsomething").unwrap_err(), "line 2 is no `Name: value`");
        for text in ["{", "[1]", r#"{"a": {}}"#, r#"[["a"]]"#, "a b: 1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
