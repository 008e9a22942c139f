//! What many pages have: numbers, moments, badges.

use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};

use super::asked::Asked;
use crate::call::{Call, Person};
use crate::campaign::Campaign;
use crate::record::Status;
use crate::time::{Seconds, Time};

/// A status in a person's words.
pub(super) fn status_words(status: Status) -> &'static str {
    match status {
        Status::Queued => "Queued",
        Status::InProgress => "In progress",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Dnc => "Do not call",
        Status::Rescheduled => "Callback",
        Status::RetryPending => "Retry",
        Status::FollowUpPending => "Follow-up",
    }
}

/// The class that gives a status its colour.
pub(super) fn status_class(status: Status) -> &'static str {
    match status {
        Status::Queued => "queued",
        Status::InProgress => "live",
        Status::Completed => "done",
        Status::Failed => "failed",
        Status::Dnc => "dnc",
        Status::Rescheduled => "callback",
        Status::RetryPending => "retry",
        Status::FollowUpPending => "follow",
    }
}

pub(super) fn badge(class: &str, words: &str) -> Markup {
    html! { span class={ "badge " (class) } { (words) } }
}

pub(super) fn record_badge(status: Status) -> Markup {
    badge(status_class(status), status_words(status))
}

pub(super) fn campaign_badge(status: &str) -> Markup {
    let class = match status {
        "running" => "done",
        "paused" => "retry",
        "cancelled" => "failed",
        _ => "queued",
    };
    let mut words = status.to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    badge(class, &words)
}

/// How a call goes or went: its class, and in a person's words.
pub(super) fn call_words(call: &Call) -> (&'static str, &'static str) {
    use crate::outcome::Outcome;
    match (call.ended, call.person) {
        (false, Person::Called) => return ("retry", "Ringing"),
        (false, _) => return ("live", "In progress"),
        (true, _) => {}
    }
    match call.outcome {
        Outcome::Completed => ("done", "Completed"),
        Outcome::FollowUp => ("follow", "Follow-up agreed"),
        Outcome::NoAnswer => ("failed", "No answer"),
        Outcome::Busy => ("failed", "Busy"),
        Outcome::Failed => ("failed", "Failed"),
        Outcome::Voicemail => ("failed", "Voicemail"),
        Outcome::Callback => ("callback", "Callback asked for"),
        Outcome::Dnc => ("dnc", "Asked not to be called"),
    }
}

pub(super) fn call_badge(call: &Call) -> Markup {
    let (class, words) = call_words(call);
    badge(class, words)
}

/// A phone number: masked, but for its beginning and end, until it is asked for.
pub(super) fn number(asked: &Asked, number: &str) -> Markup {
    if asked.shown {
        return html! { span.num { (number) } };
    }
    let count = number.chars().count();
    let kept = |at: usize| count > 5 && (at < 3 || at + 2 >= count);
    let digits = number.chars().enumerate();
    let dots: String = digits.map(|(at, c)| if kept(at) { c } else { '•' }).take(24).collect();
    let end: String =
        if count > 5 { number.chars().skip(count - 2).collect() } else { String::new() };
    html! {
        span.num aria-hidden="true" { (dots) }
        span.sr { "number ending in " (end) }
    }
}

/// Somebody's words, in which numbers are masked until they are asked for.
pub(super) fn text(asked: &Asked, text: &str) -> String {
    if asked.shown {
        return text.to_owned();
    }
    revrag::error::masked_but_ids(text)
}

/// A moment by the clock of a zone.
pub(super) fn moment(time: Time, zone: &TimeZone) -> Markup {
    let at = jiff::ZonedDateTime::new(time.stamp(), zone.clone());
    html! {
        time datetime=(time.stamp()) {
            span.day { (at.strftime("%a %-d %b,")) } " " span { (at.strftime("%H:%M:%S")) }
        }
    }
}

/// A moment, with its year and zone.
pub(super) fn full_moment(time: Time, zone: &TimeZone) -> Markup {
    let at = jiff::ZonedDateTime::new(time.stamp(), zone.clone());
    html! {
        time datetime=(time.stamp()) {
            (at.strftime("%a %-d %b")) span.year { (at.strftime(" %Y")) } (at.strftime(", %H:%M:%S %Z"))
        }
    }
}

/// A length of time, in the two units that matter.
pub(super) fn span(from: Time, to: Time) -> String {
    length(Seconds::between(from, to))
}

pub(super) fn length(length: Seconds) -> String {
    let seconds = length.whole();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let two = |one: String, other: i64, unit: &str| {
        if other == 0 { one } else { format!("{one} {other} {unit}") }
    };
    if days > 0 {
        two(format!("{days} d"), hours, "h")
    } else if hours > 0 {
        two(format!("{hours} h"), minutes, "min")
    } else if minutes > 0 {
        two(format!("{minutes} min"), rest, "s")
    } else if length.as_f64() > 0.0 && seconds < 10 {
        let text = format!("{:.1}", length.as_f64());
        format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
    } else {
        format!("{seconds} s")
    }
}

/// A count, in groups of three digits.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// The first digits of an id: enough to tell those of a page apart.
pub(super) fn short_id(id: uuid::Uuid) -> String {
    id.to_string().chars().take(8).collect()
}

/// Something to copy, with a button that does it where the script runs.
pub(super) fn copied(id: &str, text: &str) -> Markup {
    html! {
        span.copied {
            code id=(id) { (text) }
            button.copy type="button" data-copy=(id) hidden aria-label={ "Copy " (id.replace('-', " ")) } {
                (icon(Icon::Copy))
            }
        }
    }
}

/// A block of code or of data. It can be scrolled, so the keyboard must be able to reach it.
pub(super) fn block(id: &str, label: &str, text: &str) -> Markup {
    html! {
        div.block {
            div.block-head {
                span { (label) }
                button.copy type="button" data-copy=(id) hidden aria-label={ "Copy: " (label) } {
                    (icon(Icon::Copy)) " Copy"
                }
            }
            pre id=(id) tabindex="0" role="region" aria-label=(label) { code { (text) } }
        }
    }
}

/// JSON, set out in lines.
pub(super) fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(json).ok();
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    lines.unwrap_or_else(|| json.to_owned())
}

/// What a list shows that has nothing to show.
pub(super) fn nothing(title: &str, hint: &str) -> Markup {
    html! {
        div.nothing { p.nothing-title { (title) } p { (hint) } }
    }
}

/// Where a campaign's pages are.
pub(super) fn campaign_path(campaign: &Campaign) -> String {
    format!("/campaigns/{}", campaign.id)
}

/// The icons, drawn with the colour of the text beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    Campaigns,
    Handset,
    Webhooks,
    Requests,
    Faults,
    Barred,
    Copy,
    Search,
    Eye,
    Clock,
}

pub(super) fn icon(icon: Icon) -> Markup {
    let lines = match icon {
        Icon::Campaigns => "M3 13V7m4 9V4m4 10V6m4 6V8",
        Icon::Handset => {
            "M6.5 3.5 8.2 7 6.6 8.6a9 9 0 0 0 4.8 4.8L13 11.8l3.5 1.7v2.2a1.6 1.6 0 0 1-1.8 1.6A13 13 \
             0 0 1 2.7 5.3a1.6 1.6 0 0 1 1.6-1.8z"
        }
        Icon::Barred => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM4.8 4.8l10.4 10.4",
        Icon::Webhooks => "M3 10h9M8.5 5.5 13 10l-4.5 4.5M16.5 4v12",
        Icon::Requests => "M7 5h10M7 10h10M7 15h10M3.2 5h.1M3.2 10h.1M3.2 15h.1",
        Icon::Faults => "M10 3 2.5 16.5h15zM10 8.5v3.5M10 14.4v.1",
        Icon::Copy => "M7 7h9v9H7zM4 13V4h9",
        Icon::Search => "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zm4 9.5 4 4",
        Icon::Eye => {
            "M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10zm8-2.3a2.3 2.3 0 1 0 0 4.6 2.3 2.3 \
             0 0 0 0-4.6z"
        }
        Icon::Clock => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 6v4l2.8 1.8",
    };
    html! {
        svg.icon viewBox="0 0 20 20" aria-hidden="true" focusable="false" {
            path d=(PreEscaped(lines)) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_ids_are_not() {
        let masked = |it: &str| text(&Asked::default(), it);
        let id = "11111111-1111-4111-8111-111111111111";
        assert_eq!(masked(&format!("/v1/{id}/x")), format!("/v1/{id}/x"));
        assert_eq!(masked(&format!("{id}, +919876543210")), format!("{id}, +***"));
        assert_eq!(masked("call 98765 43210 now"), "call *** now");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn lengths_are_told_in_two_units() {
        let told = |seconds: f64| length(std::time::Duration::from_secs_f64(seconds).into());
        for (seconds, words) in [
            (0.0, "0 s"),
            (0.25, "0.2 s"),
            (1.0, "1 s"),
            (72.0, "1 min 12 s"),
            (3600.0, "1 h"),
            (5400.0, "1 h 30 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(told(seconds), words);
        }
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
