//! A value with all that is in it, step by step and without recursion.

use super::scanner::{DEEPEST, Fault, Kind, Scanner, Token};
use super::text::Raw;

/// A step of a [`Walk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A key; its value follows.
    Key(Raw<'a>),
    /// A scalar, or the beginning of an array or of an object.
    Value(Token<'a>),
    /// The end of the innermost array or object.
    End,
}

impl Scanner<'_> {
    /// Steps over the next value with all that is in it.
    pub fn pass(&mut self) -> Result<(), Fault> {
        match self.enter()? {
            Some(kind) => {
                let mut walk = Walk { wants_value: false, ..Walk::new(self) };
                walk.enter(kind);
                walk.finish()
            }
            None => Ok(()),
        }
    }
}

/// Walks through one value.
pub struct Walk<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    open: Open,
    /// Whether the innermost array or object has shown nothing yet.
    first: bool,
    /// Whether a value comes next.
    wants_value: bool,
}

impl<'s, 'a> Walk<'s, 'a> {
    /// Through the value that comes next.
    pub fn new(scanner: &'s mut Scanner<'a>) -> Self {
        Self { scanner, open: Open::default(), first: true, wants_value: true }
    }

    /// Through what is left of a value whose first token was read.
    pub fn after(scanner: &'s mut Scanner<'a>, token: Token<'_>) -> Self {
        let mut walk = Self { wants_value: false, ..Self::new(scanner) };
        walk.see(token);
        walk
    }

    /// The next step, if there is one.
    pub fn step(&mut self) -> Result<Option<Step<'a>>, Fault> {
        if !self.wants_value {
            match self.open.innermost() {
                None => return Ok(None),
                Some(Kind::Object) => match self.scanner.key(&mut self.first)? {
                    Some(key) => {
                        self.wants_value = true;
                        return Ok(Some(Step::Key(key)));
                    }
                    None => return Ok(Some(self.leave())),
                },
                Some(Kind::Array) => {
                    if !self.scanner.item(&mut self.first)? {
                        return Ok(Some(self.leave()));
                    }
                }
            }
        }
        let token = self.scanner.value()?;
        self.wants_value = false;
        self.see(token);
        Ok(Some(Step::Value(token)))
    }

    /// Goes through to the end.
    pub fn finish(mut self) -> Result<(), Fault> {
        loop {
            let has_value = self.wants_value
                || match self.open.innermost() {
                    None => return Ok(()),
                    Some(Kind::Object) => self.scanner.pass_key(&mut self.first)?,
                    Some(Kind::Array) => self.scanner.item(&mut self.first)?,
                };
            if !has_value {
                self.leave();
                continue;
            }
            self.wants_value = false;
            match self.scanner.enter()? {
                Some(kind) => self.enter(kind),
                None => self.first = false,
            }
        }
    }

    fn see(&mut self, token: Token<'_>) {
        match token {
            Token::Array => self.enter(Kind::Array),
            Token::Object => self.enter(Kind::Object),
            _ => self.first = false,
        }
    }

    fn enter(&mut self, kind: Kind) {
        self.open.push(kind);
        self.first = true;
    }

    fn leave(&mut self) -> Step<'a> {
        self.open.depth -= 1;
        self.first = false;
        Step::End
    }
}

/// The arrays and objects that are open, a bit each.
#[derive(Debug, Default)]
struct Open {
    is_object: [u64; DEEPEST.div_ceil(64)],
    depth: usize,
}

impl Open {
    fn push(&mut self, kind: Kind) {
        // The scanner goes no deeper.
        if let Some(word) = self.is_object.get_mut(self.depth / 64) {
            let bit = 1 << (self.depth % 64);
            *word = if kind == Kind::Object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
    }

    fn innermost(&self) -> Option<Kind> {
        let at = self.depth.checked_sub(1)?;
        let is_object = self.is_object.get(at / 64)? >> (at % 64) & 1 == 1;
        Some(if is_object { Kind::Object } else { Kind::Array })
    }
}
