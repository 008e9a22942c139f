//! What the campaign's state means.

use serde_json::Value;

use super::finding::Finding;
use crate::failure::Kind;
use revrag::model::{CampaignStats, CampaignStatus, Count, Document, Model as _, Whole};

const SUBJECT: &str = "campaign";

/// An id that is none.
pub(super) fn unreadable(problem: &str) -> Finding {
    let problem = crate::failure::in_flags(problem);
    Finding::bad(
        SUBJECT,
        Kind::Usage,
        problem,
        "copy the id from the campaign's page in the dashboard",
    )
}

/// Its lifecycle, and what its counts tell of its gates.
pub(super) fn of(status: &Document<CampaignStatus>) -> Vec<Finding> {
    let word = status.status.as_deref().unwrap_or("?");
    let mut findings = vec![match word {
        "running" => Finding::good(SUBJECT, "it is running"),
        "paused" => Finding::bad(
            SUBJECT,
            Kind::Partly,
            "it is paused: nobody is called",
            "start it in the dashboard",
        ),
        "completed" | "cancelled" | "stopped" => Finding::bad(
            SUBJECT,
            Kind::Partly,
            format!("it is {word}: it takes no more records, and calls nobody"),
            "push into another campaign, or change its end date in the dashboard",
        ),
        other => Finding::doubtful(
            SUBJECT,
            format!("it is {other:?}, which this version does not know"),
            "see in the dashboard what that means",
        ),
    }];
    findings.extend(status.stats.as_ref().and_then(|stats| waiting(word, stats)));
    findings.extend(window(status));
    findings
}

fn waiting(word: &str, stats: &CampaignStats) -> Option<Finding> {
    let count = |count: &Count| count.0.as_ref().and_then(Whole::as_u64).unwrap_or(0);
    let (queued, in_progress) = (count(&stats.queued), count(&stats.in_progress));
    (word == "running" && queued > 0 && in_progress == 0).then(|| {
        Finding::doubtful(
            "window",
            format!("{queued} records are queued, and no call is under way"),
            "outside the daily calling window and the active days they wait; so they do for a first-attempt \
             day. See the campaign's settings in the dashboard",
        )
    })
}

/// What the service tells of the window, in its own words: the reference has no fields for it.
fn window(status: &Document<CampaignStatus>) -> Option<Finding> {
    let text = String::from_utf8_lossy(status.json());
    let value: Value = serde_json::from_str(&text).ok()?;
    let is_told = |name: &str| {
        let is_documented = CampaignStatus::FIELDS.contains(&name);
        let words =
            ["window", "timezone", "time_zone", "active_days", "schedule", "start_", "end_"];
        !is_documented && words.iter().any(|word| name.contains(word))
    };
    let told = value.as_object()?.iter().filter(|(name, _)| is_told(name));
    let told: Vec<String> = told.map(|(name, value)| format!("{name}: {value}")).collect();
    (!told.is_empty()).then(|| Finding::good("window", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Health;
    use super::*;

    fn findings(text: &str) -> Vec<(&'static str, Health)> {
        let status = Document::parse(text.as_bytes()).unwrap();
        of(&status).into_iter().map(|finding| (finding.subject, finding.health)).collect()
    }

    #[test]
    fn a_campaign_that_calls_nobody_is_told() {
        let bad = Health::Bad(Kind::Partly);
        for (word, health) in [
            ("running", Health::Good),
            ("paused", bad),
            ("completed", bad),
            ("dreaming", Health::Doubtful),
        ] {
            let text = format!(
                r#"{{"campaign_id": "c", "status": "{word}", "stats": {{"total_records": 0}}}}"#
            );
            assert_eq!(findings(&text), [("campaign", health)], "{word}");
        }
    }

    #[test]
    fn a_window_is_told_where_the_service_tells_it() {
        let text = r#"{"campaign_id": "c", "status": "running", "calling_window": "09:00-18:00",
                       "stats": {"total_records": 3, "queued": 3, "in_progress": 0}}"#;
        let window = [("window", Health::Doubtful), ("window", Health::Good)];
        assert_eq!(findings(text)[1..], window);
    }
}
