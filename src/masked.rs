//! Phone numbers in other people's words, made unreadable.

/// A phone number has at least that many digits.
const SHORTEST: usize = 7;
/// With blanks or hyphens between its groups, and no `+`, it takes more to be one: a date has eight.
const SHORTEST_IN_GROUPS: usize = 10;
/// E.164 has no longer ones.
const LONGEST: usize = 15;

/// `text` with `***` for every run of seven or more digits, and for groups of digits that together
/// look like a phone number: `98765 43210`, `+91 (80) 1234-5678`.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    mask(text, &mut out);
    out
}

/// The same, but for UUIDs, whose digits are nobody's number.
pub fn masked_but_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, id, after)) = next_id(rest) {
        mask(before, &mut out);
        out.push_str(id);
        rest = after;
    }
    mask(rest, &mut out);
    out
}

/// The first UUID in a text, with hyphens or without, and what is before and after it.
fn next_id(text: &str) -> Option<(&str, &str, &str)> {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(is_part).map(|at| from + at) {
        let (before, run) = text.split_at_checked(at)?;
        let end = run.find(|c| !is_part(c)).unwrap_or(run.len());
        let is_within = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        for length in [36, 32] {
            let Some((id, after)) = run.split_at_checked(length) else { continue };
            // Digits throughout may be a number.
            let may_be_number = length == 32 && !id.contains(|c: char| c.is_ascii_alphabetic());
            let is_alone =
                !is_within(before.chars().next_back()) && !is_within(after.chars().next());
            if length <= end && is_alone && !may_be_number && uuid::Uuid::try_parse(id).is_ok() {
                return Some((before, id, after));
            }
        }
        from = at + end;
    }
    None
}

fn mask(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(char::is_numeric) {
        let (before, digits) = rest.split_at(at);
        out.push_str(before);
        let groups = groups(digits);
        let first = &groups[0];
        let together = if before.ends_with('+') {
            longest(&groups, |_, total| total >= SHORTEST)
        } else if first.digits < SHORTEST {
            longest(&groups, |shortest, total| shortest >= 3 && total >= SHORTEST_IN_GROUPS)
        } else {
            None
        };
        // Several groups that are one number, else the first group alone.
        let hidden = together.or_else(|| (first.digits >= SHORTEST).then_some(first.end));
        let end = hidden.unwrap_or(first.end);
        let (shown, after) = digits.split_at(end);
        out.push_str(if hidden.is_some() { "***" } else { shown });
        rest = after;
    }
    out.push_str(rest);
}

struct Group {
    digits: usize,
    /// Where it ends in the text.
    end: usize,
}

/// The groups of digits at the start of `text`, with at most two separators between two of them.
fn groups(text: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let length = rest.find(|c: char| !c.is_numeric()).unwrap_or(rest.len());
        let digits = rest.chars().take_while(|c| c.is_numeric()).count();
        let end = from + length;
        groups.push(Group { digits, end });
        let after = text.get(end..).unwrap_or_default();
        let separators = after.chars().take_while(|c| " -.()/\u{a0}".contains(*c));
        let (count, width) = separators.fold((0, 0), |(n, w), c| (n + 1, w + c.len_utf8()));
        let goes_on = after.get(width..).is_some_and(|rest| rest.starts_with(char::is_numeric));
        if !(1..=2).contains(&count) || !goes_on || groups.len() > LONGEST {
            return groups;
        }
        from = end + width;
    }
}

/// The end of the longest number that the first few `groups` are together, by the digits of the shortest
/// of them and of all.
fn longest(groups: &[Group], is_number: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let (mut shortest, mut total) = (usize::MAX, 0);
    let mut found = None;
    for group in groups {
        shortest = shortest.min(group.digits);
        total += group.digits;
        if total > LONGEST {
            break;
        }
        if is_number(shortest, total) {
            found = Some(group.end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_runs_of_digits_are_masked() {
        assert_eq!(
            masked("Invalid Indian phone number: +919876543210"),
            "Invalid Indian phone number: +***"
        );
        assert_eq!(masked("row 123456 of 7654321"), "row 123456 of ***");
        assert_eq!(masked("٠١٢٣٤٥٦٧٨٩"), "***");
        assert_eq!(masked(&"9".repeat(100)), "***");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn numbers_in_groups_are_masked() {
        for number in [
            "+91 98765 43210",
            "+91-98765-43210",
            "+1 (415) 555-1212",
            "98765 43210",
            "(080) 1234-5678",
            "+33 6 12 34 56 78",
            "98765\u{a0}43210",
            "9876543210 98765 43210",
        ] {
            let text = masked(&format!("number {number}: refused"));
            assert!(!text.contains(|c: char| c.is_numeric()), "{text}");
            assert!(text.ends_with(": refused"), "{text}");
        }
    }

    #[test]
    fn ids_are_not() {
        let id = "11111111-1111-4111-8111-111111111111";
        let short = "7d6cce6375f44e1d8e3f944641568503";
        for text in [format!("[request id {id}]"), format!("({short}), {id}-0 {short}-17")] {
            assert_eq!(masked_but_ids(&text), text);
        }
        assert_eq!(masked_but_ids(&format!("{id}, +919876543210")), format!("{id}, +***"));
        assert_ne!(masked_but_ids(&format!("{id}{id}")), format!("{id}{id}"));
        assert_eq!(masked_but_ids(&"7".repeat(32)), "***");
        assert_eq!(masked_but_ids("9876543210-"), "***-");
    }

    #[test]
    fn other_numbers_are_not() {
        for text in
            ["on 2026-05-27 03:05", "10 of 300 in 2.5 s", "1 2 3 4 5 6 7 8 9 10", "10.0.0.1"]
        {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_run_of_seven_is_left(
            text in r"[0-9٠-٩ +.()a-]{0,60}|(\+?[0-9]{0,20}[ (-]{0,3}){0,6}"
        ) {
            let out = masked(&text);
            let longest = out.split(|c: char| !c.is_numeric()).map(|run| run.chars().count()).max();
            prop_assert!(longest < Some(SHORTEST), "{}", out);
            prop_assert_eq!(masked(&out), out);
        }
    }
}
