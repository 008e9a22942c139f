//! Records by status over time, as stacked steps: drawn here, so that a page needs no script for it.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::parts;
use crate::history::Sample;
use crate::record::Status;
use crate::time::Time;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 240.0;
/// Rows of the table that tells the same.
const ROWS: usize = 8;

/// From the ground up: what is over, what goes on, what waits.
const ORDER: [Status; 8] = [
    Status::Completed,
    Status::Dnc,
    Status::Failed,
    Status::InProgress,
    Status::Rescheduled,
    Status::FollowUpPending,
    Status::RetryPending,
    Status::Queued,
];

/// The chart of these samples, up to now.
pub(super) fn chart(samples: &[Sample], now: Time, zone: &TimeZone) -> Markup {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return parts::nothing("No records yet", "Push some: the Settings page has the request.");
    };
    let (from, to) = (first.at, now.max(last.at));
    let peak = samples.iter().map(total).max().unwrap_or(1).max(1);
    let used = |status: &&Status| samples.iter().any(|it| it.counts[**status as usize] > 0);
    let shown: Vec<_> = ORDER.iter().filter(used).copied().collect();
    let told = told(last, from, to, zone);
    html! {
        figure.chart {
            ul.legend {
                @for status in shown.iter().rev() {
                    li {
                        span class={ "swatch " (parts::status_class(*status)) } {}
                        (parts::status_words(*status)) " "
                        b { (parts::count(last.counts[*status as usize] as usize)) }
                    }
                }
            }
            div.plot {
                span.plot-peak aria-hidden="true" { (parts::count(peak as usize)) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-labelledby="chart-title chart-told" {
                    title id="chart-title" { "Records by status over time" }
                    desc id="chart-told" { (told) }
                    @for line in 0..5_u8 {
                        @let y = HEIGHT * f64::from(line) / 4.0;
                        line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                    }
                    @for (place, status) in shown.iter().enumerate() {
                        path class={ "area " (parts::status_class(*status)) }
                            d=(area(samples, &shown[..place], *status, (from, to), peak)) {}
                    }
                }
                p.plot-ends aria-hidden="true" {
                    span { (parts::moment(from, zone)) }
                    span { (parts::moment(to, zone)) }
                }
            }
            details {
                summary { "As a table" }
                div.scroll tabindex="0" role="region" aria-label="Records by status over time, as a table" {
                    (table(samples, &shown, zone))
                }
            }
        }
    }
}

fn total(sample: &Sample) -> u32 {
    sample.counts.iter().sum()
}

/// The last sample in a sentence.
fn told(last: &Sample, from: Time, to: Time, zone: &TimeZone) -> String {
    let at = |time: Time| {
        let at = jiff::ZonedDateTime::new(time.stamp(), zone.clone());
        at.strftime("%a %-d %b, %H:%M:%S").to_string()
    };
    let mut text = format!("From {} to {}. At the end:", at(from), at(to));
    for status in Status::ALL {
        let count = last.counts[status as usize];
        if count > 0 {
            let words = parts::status_words(status).to_lowercase();
            let _ = write!(text, " {count} {words},");
        }
    }
    let count = total(last);
    let _ = write!(text, " {count} in all.");
    text
}

/// The outline of a status, on top of those below it.
#[allow(clippy::cast_precision_loss, reason = "a chart has a thousand units")]
fn area(
    samples: &[Sample],
    below: &[Status],
    status: Status,
    (from, to): (Time, Time),
    peak: u32,
) -> String {
    let length = (to.0 - from.0).max(1) as f64;
    let x = |time: Time| WIDTH * (time.0 - from.0) as f64 / length;
    let y = |count: u32| HEIGHT - HEIGHT * f64::from(count) / f64::from(peak);
    let ground = |it: &Sample| below.iter().map(|status| it.counts[*status as usize]).sum::<u32>();
    let ends = samples.iter().skip(1).map(|it| it.at).chain([to]);
    // All at one moment: as wide as the chart.
    let ends: Vec<_> = ends.map(x).map(|end| if to == from { WIDTH } else { end }).collect();
    let mut path = String::new();
    for (index, (it, end)) in samples.iter().zip(&ends).enumerate() {
        let top = y(ground(it) + it.counts[status as usize]);
        let start = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{start}{:.1} {top:.1}H{end:.1}", x(it.at));
    }
    for (it, end) in samples.iter().zip(&ends).rev() {
        let _ = write!(path, "L{end:.1} {:.1}H{:.1}", y(ground(it)), x(it.at));
    }
    path.push('Z');
    path
}

/// Some of the samples, evenly picked, the last among them.
fn table(samples: &[Sample], shown: &[Status], zone: &TimeZone) -> Markup {
    let every = samples.len().div_ceil(ROWS).max(1);
    let picked: Vec<_> = samples.iter().rev().step_by(every).collect();
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Time" }
                    @for status in shown { th.count scope="col" { (parts::status_words(*status)) } }
                    th.count scope="col" { "All" }
                }
            }
            tbody {
                @for it in picked.into_iter().rev() {
                    tr {
                        th scope="row" { (parts::moment(it.at, zone)) }
                        @for status in shown {
                            td.count { (parts::count(it.counts[*status as usize] as usize)) }
                        }
                        td.count { (parts::count(total(it) as usize)) }
                    }
                }
            }
        }
    }
}

/// A campaign's records as one bar.
pub(super) fn bar(counts: &[(Status, usize)]) -> Markup {
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    #[allow(clippy::cast_precision_loss, reason = "a bar has a thousand units")]
    let share = |count: usize| WIDTH * count as f64 / all.max(1) as f64;
    let mut from = 0.0;
    let parts = ORDER.iter().filter_map(|status| {
        let count = counts.iter().find(|(it, _)| it == status).map_or(0, |(_, count)| *count);
        let (start, width) = (from, share(count));
        from += width;
        (count > 0).then_some((*status, start, width))
    });
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            rect.bar-ground width=(WIDTH) height="10" {}
            @for (status, start, width) in parts {
                rect class={ "area " (parts::status_class(status)) } x=(format!("{start:.1}"))
                    width=(format!("{width:.1}")) height="10" {}
            }
        }
    }
}
