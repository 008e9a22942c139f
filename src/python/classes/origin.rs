//! What a report knows of the source that it is of: how it was read.

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use revrag::bulk::source::Format;
use revrag::bulk::{Content, Options};

/// How a source was read.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) content: Content,
    pub(crate) format: Format,
}

/// The same as text, for a pickle.
#[derive(Serialize, Deserialize)]
struct Written {
    content: Content,
    delimiter: Option<u8>,
    encoding: Option<String>,
    sheet: Option<String>,
    max_field_bytes: usize,
}

impl Default for Origin {
    fn default() -> Self {
        Self { content: Options::default().content, format: Format::default() }
    }
}

impl Origin {
    /// It as text.
    pub(crate) fn written(&self) -> String {
        let written = Written {
            content: self.content.clone(),
            delimiter: self.format.delimiter,
            encoding: self.format.encoding.map(|encoding| encoding.name().to_owned()),
            sheet: self.format.sheet.clone(),
            max_field_bytes: self.format.max_field_bytes,
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// It from a text; none where that is of another version.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
        let format = Format {
            delimiter: written.delimiter,
            encoding: written.encoding.and_then(|name| Encoding::for_label(name.as_bytes())),
            sheet: written.sheet,
            max_field_bytes: written.max_field_bytes,
            columns: written.content.columns(),
        };
        Some(Self { content: written.content, format })
    }
}
