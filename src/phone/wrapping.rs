//! What exports and people put around a number, taken off where the number stays whole.

use super::marks::visible;

/// What stands before a number and a colon, in lower case.
const LABELS: [&str; 16] = [
    // Meta's leads, signatures, vCards.
    "p",
    "t",
    "m",
    "tel",
    "telephone",
    "phone",
    "ph",
    "mob",
    "mobile",
    "cell",
    // Schemes of links.
    "callto",
    "sms",
    "smsto",
    "mms",
    "whatsapp",
    "wa",
];

/// Each is followed by a number, in which the country code comes first.
const LINKS: [&str; 2] = ["wa.me/", "www.wa.me/"];

/// Each has the number as a parameter.
const SENDS: [&str; 4] =
    ["api.whatsapp.com/send", "web.whatsapp.com/send", "whatsapp.com/send", "whatsapp://send"];

/// Opening and closing quotes.
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('`', '`'), ('«', '»')];

/// One within the other, no more than that.
const DEEPEST: usize = 6;

/// A number without what stood around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwrapped {
    pub(super) text: String,
    /// Whether it was part of a link, where a country code comes first and no `+`.
    pub(super) is_link: bool,
}

/// The number in `text`, unless it stands there as it is, but for blanks around it.
pub(super) fn unwrapped(text: &str) -> Option<Unwrapped> {
    let ends = |c: char| c.is_ascii_whitespace();
    let came = text.trim_matches(ends);
    if came.bytes().all(|byte| byte.is_ascii_digit() || b"+ -()".contains(&byte)) {
        return None;
    }
    let shown = visible(came);
    let mut rest = shown.trim_matches(ends).to_owned();
    let mut is_link = false;
    for _ in 0..DEEPEST {
        let (inner, from_link) = match link(&rest) {
            Some(number) => (number, true),
            None => match label(&rest).or_else(|| quotes(&rest).map(str::to_owned)) {
                Some(inner) => (inner, false),
                None => break,
            },
        };
        is_link |= from_link;
        inner.trim_matches(ends).clone_into(&mut rest);
    }
    if let Some(whole) = without_zeros(&rest).map(str::len) {
        rest.truncate(whole);
    }
    (rest != came).then_some(Unwrapped { text: rest, is_link })
}

/// `919876543210.00` is how a text shows that it was once a float or a decimal; `,00` in other places.
fn without_zeros(text: &str) -> Option<&str> {
    let at = text.find(['.', ','])?;
    let (whole, zeros) = text.split_at_checked(at)?;
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let is_whole = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && zeros.bytes().skip(1).all(|byte| byte == b'0');
    is_whole.then_some(whole)
}

/// `="…"` of spreadsheets, quotes, and the apostrophe that makes a cell text.
fn quotes(text: &str) -> Option<&str> {
    if let Some(formula) = text.strip_prefix('=') {
        let is_value = |c: char| "\"'+".contains(c) || c.is_ascii_digit();
        return formula.trim_start().starts_with(is_value).then_some(formula);
    }
    let pair = |(open, close): &(char, char)| text.strip_prefix(*open)?.strip_suffix(*close);
    let lone = || text.strip_prefix(['\'', '’', '‘', '`']);
    QUOTES.iter().find_map(pair).or_else(lone)
}

/// `tel:…` and its like.
fn label(text: &str) -> Option<String> {
    let (label, number) = text.split_once(':')?;
    let label = label.trim().to_ascii_lowercase();
    if !LABELS.contains(&&*label) {
        return None;
    }
    let number = number.trim_start();
    let number = number.strip_prefix("//").unwrap_or(number);
    // A text to send comes after it.
    let number = number.split_once('?').map_or(number, |(number, _)| number);
    Some(decoded(number.trim_end_matches('/')))
}

/// The number in a link that opens a chat.
fn link(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let scheme = ["https://", "http://"].iter().find(|scheme| lower.starts_with(**scheme));
    let start = scheme.map_or(0, |scheme| scheme.len());
    let (address, lower) = (text.get(start..)?, lower.get(start..)?);
    if let Some(host) = LINKS.iter().find(|host| lower.starts_with(**host)) {
        let number = address.get(host.len()..)?;
        let end = number.find(['?', '#']).unwrap_or(number.len());
        let number = number.get(..end)?;
        return Some(decoded(number.trim_end_matches('/')));
    }
    let send = SENDS.iter().find(|send| lower.starts_with(**send))?;
    let query = address.get(send.len()..)?;
    let (_, query) = query.split_once('?')?;
    let number = query.split('&').find_map(|pair| pair.strip_prefix("phone="))?;
    Some(decoded(number))
}

/// Without the escapes of links.
fn decoded(number: &str) -> String {
    number.replace("%2B", "+").replace("%2b", "+").replace("%20", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exports_put_around_a_number() {
        for text in [
            "p:+919876543210",
            "'+919876543210",
            "=\"+919876543210\"",
            "=+919876543210",
            "\"+919876543210\"",
            "tel:+919876543210",
            "TEL: +919876543210",
            "tel://+919876543210",
            "whatsapp:+919876543210",
            "sms:+919876543210?body=Hi",
            "callto:+919876543210",
            "+919876543210.00",
            "+919876543210,00",
            "+9198765\u{AD}43210",
            "+91\u{FE0F}98765\u{180E}\u{FFFC}\u{206A}43210\u{E0101}",
            "'=\"tel:+919876543210\"",
        ] {
            let expected = Unwrapped { text: "+919876543210".to_owned(), is_link: false };
            assert_eq!(unwrapped(text), Some(expected), "{text}");
        }
        for text in [
            "https://wa.me/919876543210",
            "http://WA.ME/919876543210/?text=Hi",
            "wa.me/919876543210#a",
            "https://api.whatsapp.com/send?text=Hi&phone=919876543210",
            "whatsapp://send?phone=919876543210",
        ] {
            let expected = Unwrapped { text: "919876543210".to_owned(), is_link: true };
            assert_eq!(unwrapped(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_stands_there_as_it_is() {
        for text in [
            "",
            "  ",
            "+91 98765-43210",
            " 9876543210 ",
            "98765.43210",
            "no number",
            "x:+919876543210",
            "=SUM(A1)",
            "https://example.com/919876543210",
            "(+91) 98765 43210",
        ] {
            assert_eq!(unwrapped(text), None, "{text}");
        }
        let blank = Unwrapped { text: "98765 43210".to_owned(), is_link: false };
        assert_eq!(unwrapped("98765\u{2009}43210"), Some(blank));
    }
}
