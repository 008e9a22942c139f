//! How a file is read, as far as the caller says.

use encoding_rs::Encoding;

use crate::{Error, Result};

/// What is known of a file before it is opened. What is [`None`] is found from the file.
#[derive(Debug, Clone)]
pub struct Format {
    /// What separates the fields of a line.
    pub delimiter: Option<u8>,
    /// How text is written in bytes.
    pub encoding: Option<&'static Encoding>,
    /// Which sheet of a workbook is read.
    pub sheet: Option<String>,
    /// The largest field of a line, in bytes.
    pub max_field_bytes: usize,
    /// The columns that other options name, that of the numbers first.
    pub columns: Vec<String>,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            delimiter: None,
            encoding: None,
            sheet: None,
            max_field_bytes: 1_000_000,
            columns: vec!["phone_number".to_owned()],
        }
    }
}

/// Python's names of encodings that the web has others for.
const NAMES: [(&str, &str); 10] = [
    ("latin-1", "latin1"),
    ("utf-8-sig", "utf-8"),
    ("utf-16", "utf-16le"),
    ("utf-16-le", "utf-16le"),
    ("utf-16-be", "utf-16be"),
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
    ("mac-roman", "macintosh"),
];

impl Format {
    /// A delimiter, as the caller writes it.
    pub fn delimiter_of(text: &str) -> Result<u8> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n\0".contains(byte) => Ok(*byte),
            _ => {
                let problem = "it must be one ASCII character, such as \",\", \";\" or \"\\t\"";
                Err(Error::invalid("delimiter", problem))
            }
        }
    }

    /// An encoding, by one of its names.
    pub fn encoding_of(name: &str) -> Result<&'static Encoding> {
        let known = name.trim().to_lowercase().replace('_', "-");
        let label = NAMES.iter().find(|(python, _)| *python == known).map(|(_, label)| *label);
        let label = label.unwrap_or(&known);
        let underscored = || Encoding::for_label_no_replacement(label.replace('-', "_").as_bytes());
        Encoding::for_label_no_replacement(label.as_bytes()).or_else(underscored).ok_or_else(|| {
            let problem = format!(
                "{name:?} is not known; it may be \"utf-8\", \"utf-16\", \"windows-1252\" and what \
                 else browsers read"
            );
            Error::invalid("encoding", problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_by_the_names_that_python_has() {
        for (name, known) in [
            ("utf-8", "UTF-8"),
            ("UTF8", "UTF-8"),
            ("utf_8_sig", "UTF-8"),
            ("utf-16", "UTF-16LE"),
            ("utf_16_be", "UTF-16BE"),
            ("latin-1", "windows-1252"),
            ("ISO-8859-1", "windows-1252"),
            ("cp1252", "windows-1252"),
            ("cp1251", "windows-1251"),
            ("shift_jis", "Shift_JIS"),
            ("big5", "Big5"),
        ] {
            assert_eq!(Format::encoding_of(name).unwrap().name(), known);
        }
        assert!(Format::encoding_of("utf-32").is_err());
        assert!(Format::encoding_of("").is_err());
    }

    #[test]
    fn a_delimiter_is_one_character() {
        assert_eq!(Format::delimiter_of("\t").unwrap(), b'\t');
        for bad in ["", ",,", "\"", "\n", "→"] {
            assert!(Format::delimiter_of(bad).is_err(), "{bad}");
        }
    }
}
