//! A value as serde's, which holds less than JSON as it is read here.

use serde_json::{Map, Number, Value};

use super::scanner::{Digits, Fault, Scanner, Token};
use super::text::Raw;
use super::walk::{Step, Walk};

/// What a value of serde's can't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Half a surrogate pair: U+FFFD stands there.
    Half,
    /// An infinity: null stands there.
    Infinity,
    /// An integer beyond 64 bits: the nearest float stands there.
    Digits,
}

/// Reads the next value, and the first thing in it that was lost. NaN is null.
pub fn value(scanner: &mut Scanner<'_>) -> Result<(Value, Option<Lost>), Fault> {
    let mut walk = Walk::new(scanner);
    let mut lost = None;
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    while let Some(event) = walk.step()? {
        let value = match event {
            Step::Key(key) => {
                if let Some((_, name)) = open.last_mut() {
                    *name = Some(text(key, &mut lost));
                }
                continue;
            }
            Step::Value(Token::Array) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Step::Value(Token::Object) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Step::Value(Token::Null) => Value::Null,
            Step::Value(Token::Bool(flag)) => Value::Bool(flag),
            Step::Value(Token::Text(raw)) => Value::String(text(raw, &mut lost)),
            Step::Value(Token::Number(digits)) => number(digits, &mut lost),
            Step::End => match open.pop() {
                Some((value, _)) => value,
                None => continue,
            },
        };
        match open.last_mut() {
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(fields), name)) => {
                fields.insert(name.take().unwrap_or_default(), value);
            }
            _ => return Ok((value, lost)),
        }
    }
    Ok((Value::Null, lost))
}

fn text(raw: Raw<'_>, lost: &mut Option<Lost>) -> String {
    let decoded = raw.decoded();
    if std::str::from_utf8(&decoded).is_err() {
        lost.get_or_insert(Lost::Half);
    }
    raw.to_text().into_owned()
}

fn number(digits: Digits<'_>, lost: &mut Option<Lost>) -> Value {
    if digits.is_integer {
        let text = digits.as_str();
        let small = text.parse::<i64>().map(Value::from);
        if let Ok(small) = small.or_else(|_| text.parse::<u64>().map(Value::from)) {
            return small;
        }
        lost.get_or_insert(Lost::Digits);
    }
    let float = digits.as_f64();
    if float.is_infinite() {
        lost.get_or_insert(Lost::Infinity);
    }
    Number::from_f64(float).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Value, Option<Lost>) {
        value(&mut Scanner::new(text.as_bytes())).unwrap()
    }

    #[test]
    fn it_is_what_serde_reads() {
        for text in [
            "null",
            " [1, -1, 18446744073709551615, 1.5, 1e3, true, \"a\\u00e9\\ud83d\\ude00\", {}, []] ",
            r#"{"a": {"b": [{"c": null}]}, "a b": "", "d": 0}"#,
        ] {
            assert_eq!(read(text), (serde_json::from_str(text).unwrap(), None), "{text}");
        }
    }

    #[test]
    fn what_it_cannot_hold_is_told() {
        assert_eq!(read("[NaN]"), (json!([null]), None));
        assert_eq!(read(r#"["\ud83d"]"#), (json!(["\u{fffd}"]), Some(Lost::Half)));
        assert_eq!(read(r#"{"\udc00": 1}"#), (json!({"\u{fffd}": 1}), Some(Lost::Half)));
        assert_eq!(read("[-Infinity, 1e999]"), (json!([null, null]), Some(Lost::Infinity)));
        assert_eq!(read("98765432109876543210").1, Some(Lost::Digits));
        assert_eq!(read("1e20"), (json!(1e20), None));
        assert_eq!(read(r#"{"a": 1, "a": 2}"#), (json!({"a": 2}), None));
    }
}
