//! Reading a model's fields: what is of another type than documented is converted where nothing is
//! lost, and is nothing otherwise.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::document::{Document, Model};
use super::json::{Digits, Fault, Scanner, Token, Walk};
use super::timestamp::Timestamp;
use super::value::{Count, Json, List, Number, Object, Whole};
use super::view::Finder;

/// Reads a text that is shared with what is read from it.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a Bytes,
    pub(super) scanner: Scanner<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a Bytes) -> Self {
        Self { text, scanner: Scanner::new(text) }
    }

    /// One that begins in the midst of the text, with a value.
    pub(super) fn at(text: &'a Bytes, place: usize) -> Self {
        Self { text, scanner: Scanner::from(text, place) }
    }

    /// A part of the text, shared.
    pub(super) fn share(&self, part: Range<usize>) -> Bytes {
        self.text.slice(part)
    }

    /// Steps over the next value.
    pub(super) fn pass(&mut self) -> Result<(), Fault> {
        self.scanner.pass()
    }

    /// Steps over what is left of a value whose first token was read.
    pub(super) fn skip(&mut self, token: Token<'a>) -> Result<(), Fault> {
        match token {
            Token::Array | Token::Object => Walk::after(&mut self.scanner, token).finish(),
            _ => Ok(()),
        }
    }

    /// Steps over the next value; its first token, and where it stands.
    pub(super) fn whole(&mut self) -> Result<(Token<'a>, Range<usize>), Fault> {
        self.scanner.space();
        let start = self.scanner.at();
        let token = self.scanner.value()?;
        self.skip(token)?;
        Ok((token, start..self.scanner.at()))
    }

    /// The next value where it is a scalar; any other is stepped over.
    fn scalar(&mut self) -> Result<Token<'a>, Fault> {
        let token = self.scanner.value()?;
        self.skip(token)?;
        Ok(token)
    }
}

/// A field's type.
pub trait Field: Sized + Default {
    /// Reads the next value, whatever it is.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

impl Field for Option<String> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        text(reader).map(|text| text.map(Cow::into_owned))
    }
}

impl Field for Option<bool> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match reader.scalar()? {
            Token::Bool(flag) => Some(flag),
            Token::Number(Digits { text: b"1", .. }) => Some(true),
            Token::Number(Digits { text: b"0", .. }) => Some(false),
            Token::Text(text) => match text.to_text().trim() {
                "true" | "True" => Some(true),
                "false" | "False" => Some(false),
                _ => None,
            },
            _ => None,
        })
    }
}

impl Field for Option<Whole> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match Option::<Number>::read(reader)? {
            Some(Number::Whole(whole)) => Some(whole),
            Some(Number::Float(float)) => Whole::of_float(float),
            None => None,
        })
    }
}

impl Field for Count {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut ahead = reader.scanner.clone();
        if ahead.value()? == Token::Null {
            reader.scanner = ahead;
            return Ok(Self::default());
        }
        Option::read(reader).map(Self)
    }
}

impl Field for Option<Number> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match reader.scalar()? {
            Token::Number(digits) => Some(number(digits)),
            Token::Text(text) => {
                let text = text.to_text();
                let text = text.trim();
                match Whole::of(text) {
                    Some(whole) => Some(Number::Whole(whole)),
                    None => number_of_text(text),
                }
            }
            _ => None,
        })
    }
}

impl Field for Option<Timestamp> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match reader.scalar()? {
            Token::Text(text) => text.to_text().trim().parse().ok().filter(Timestamp::is_dated),
            _ => None,
        })
    }
}

impl Field for Json {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let (_, part) = reader.whole()?;
        Ok(Self::shared(reader.share(part)))
    }
}

impl Field for Option<Object> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let (token, part) = reader.whole()?;
        Ok((token == Token::Object).then(|| Object(Json::shared(reader.share(part)))))
    }
}

impl<T: Model> Field for Option<Document<T>> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.document().map(Result::ok)
    }
}

impl<T: Model> Field for List<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut list = Self::default();
        reader.scanner.space();
        let start = reader.scanner.at();
        let token = reader.scanner.value()?;
        if token != Token::Array {
            reader.skip(token)?;
            if token != Token::Null {
                list.leave_out(Json::shared(reader.share(start..reader.scanner.at())));
            }
            return Ok(list);
        }
        list.found();
        let mut first = true;
        if T::LAZY {
            let (mut finder, mut parts, mut places) = (Finder::<T>::new(), Vec::new(), Vec::new());
            while reader.scanner.item(&mut first)? {
                let from = places.len();
                places.resize(from + T::FIELDS.len(), 0);
                match finder.find(reader, places.get_mut(from..).unwrap_or_default())? {
                    Ok(part) => parts.push((part, from)),
                    Err((_, other)) => {
                        places.truncate(from);
                        list.leave_out(Json::shared(reader.share(other)));
                    }
                }
            }
            let places = places.into();
            list.extend(
                parts
                    .into_iter()
                    .map(|(part, from)| Document::placed(reader.share(part), &places, from)),
            );
            return Ok(list);
        }
        while reader.scanner.item(&mut first)? {
            match reader.document()? {
                Ok(document) => list.push(document),
                Err((_, other)) => list.leave_out(Json::shared(reader.share(other))),
            }
        }
        Ok(list)
    }
}

/// Reads the next value as a text, if it is one or a number.
pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    Ok(match reader.scalar()? {
        Token::Text(text) => Some(text.to_text()),
        Token::Number(digits) if is_finite(digits) => Some(Cow::Borrowed(digits.as_str())),
        _ => None,
    })
}

fn number(digits: Digits<'_>) -> Number {
    let whole = digits.is_integer.then(|| Whole::of(digits.as_str())).flatten();
    whole.map_or_else(|| Number::Float(digits.as_f64()), Number::Whole)
}

/// The number that a text is from end to end, as JSON would write it.
fn number_of_text(text: &str) -> Option<Number> {
    let mut scanner = Scanner::new(text.as_bytes());
    match scanner.value() {
        Ok(Token::Number(digits)) if scanner.end().is_ok() && is_finite(digits) => {
            Some(number(digits))
        }
        _ => None,
    }
}

fn is_finite(digits: Digits<'_>) -> bool {
    digits.text.last().is_some_and(u8::is_ascii_digit)
}
