//! What is made of an endpoint's answers.

use std::time::Duration;

use super::cases::{Case, Wanted};
use super::{Answer, Unanswered};
use revrag::Secret;

/// How an endpoint did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    /// It works, and may not tomorrow.
    Doubtful,
    /// It could not be tried.
    Skipped,
}

impl Verdict {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Doubtful => "look",
            Self::Skipped => "skipped",
        }
    }
}

/// What came of a case.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) case: &'static Case,
    pub(super) verdict: Verdict,
    /// The answers, in words.
    pub(super) answered: String,
    /// How often the call was handled, where that can be seen.
    pub(super) handled: Option<u64>,
    pub(super) problem: Option<String>,
    pub(super) consequence: Option<String>,
}

impl Finding {
    /// Of a case that needs a second secret.
    pub(super) fn skipped(case: &'static Case) -> Self {
        Self {
            case,
            verdict: Verdict::Skipped,
            answered: "there is no second secret: name a file of two with --secret-file".to_owned(),
            handled: None,
            problem: None,
            consequence: None,
        }
    }
}

/// After that long, a service tends to give a delivery up and to send it again.
const SLOW: Duration = Duration::from_secs(5);

type Answers<'a> = &'a [Result<Answer, Unanswered>];

/// Judges the answers to the deliveries of a case. `handled` is how often its call was handled.
pub(super) fn of(
    case: &'static Case,
    leaks: &[Secret],
    answers: Answers<'_>,
    handled: Option<u64>,
) -> Finding {
    let answered = answers.iter().map(in_words).collect::<Vec<_>>().join(", then ");
    let problem = leaked(leaks, answers)
        .or_else(|| misanswered(case, answers))
        .or_else(|| mishandled(case.wanted, handled?));
    let slow = answers.iter().flatten().find(|answer| answer.elapsed > SLOW);
    let (verdict, problem, consequence) = match (problem, slow) {
        (Some(Problem::Leak), _) => (
            Verdict::Bad,
            Some("the answer holds the secret, or the signature that would have been right".to_owned()),
            Some("anybody can sign what he likes with it: answer with the status alone".to_owned()),
        ),
        (Some(Problem::Other(problem)), _) => (
            Verdict::Bad,
            Some(format!("{}: {problem}", case.what)),
            Some(case.otherwise.to_owned()),
        ),
        (None, Some(slow)) => (
            Verdict::Doubtful,
            Some(format!("it took {:.1} s to answer", slow.elapsed.as_secs_f64())),
            Some(
                "a sender that waits no longer than a few seconds delivers it again: store the event, \
                 answer, and handle it afterwards"
                    .to_owned(),
            ),
        ),
        (None, None) => (Verdict::Good, None, None),
    };
    Finding { case, verdict, answered, handled, problem, consequence }
}

enum Problem {
    Leak,
    Other(String),
}

fn in_words(answer: &Result<Answer, Unanswered>) -> String {
    match answer {
        Ok(Answer { status, location: Some(location), .. }) => format!("{status} to {location}"),
        Ok(answer) => answer.status.to_string(),
        Err(unanswered) => unanswered.cause.clone(),
    }
}

fn leaked(leaks: &[Secret], answers: Answers<'_>) -> Option<Problem> {
    let holds = |answer: &Answer| {
        let body = String::from_utf8_lossy(&answer.body).to_lowercase();
        let mut leaks = leaks.iter().filter(|leak| leak.expose().len() >= 5);
        leaks.any(|leak| body.contains(&leak.expose().to_lowercase()))
    };
    answers.iter().flatten().any(holds).then_some(Problem::Leak)
}

fn misanswered(case: &Case, answers: Answers<'_>) -> Option<Problem> {
    let wanted = case.wanted;
    let last = answers.last()?;
    let is_accepted =
        |answer: &&Result<Answer, Unanswered>| answer.as_ref().is_ok_and(Answer::is_accepted);
    let status = |answer: &Result<Answer, Unanswered>| answer.as_ref().map_or(0, |a| a.status);
    let problem = match wanted {
        Wanted::Accepted | Wanted::PassedOver => {
            let refused = answers.iter().position(|answer| !is_accepted(&answer))?;
            let which =
                if answers.len() == 1 { "it" } else { ["the first", "the second"][refused.min(1)] };
            let hint = match &answers[refused] {
                Ok(Answer { status: 300..=399, .. }) => {
                    ", and no delivery follows a redirect: give the service the URL itself"
                }
                Ok(Answer { status: 401 | 403, .. }) if case.is_first() => {
                    "; is the secret the one that the endpoint knows?"
                }
                _ => "",
            };
            format!("{which} should be accepted with a 2xx{hint}")
        }
        Wanted::OneAccepted => {
            let accepted = answers.iter().filter(is_accepted).count();
            let are_fit =
                answers.iter().all(|answer| is_accepted(&answer) || status(answer) == 409);
            if accepted > 0 && are_fit {
                return None;
            }
            "one should be accepted with a 2xx, and the other with a 2xx or a 409".to_owned()
        }
        Wanted::Once => {
            if answers.first().is_some_and(|answer| is_accepted(&answer)) {
                match status(last) {
                    0 | 500.. => "the second should be answered below 500".to_owned(),
                    _ => return None,
                }
            } else {
                "the first should be accepted with a 2xx".to_owned()
            }
        }
        Wanted::Refused | Wanted::RefusedOrCut => match last {
            Ok(Answer { status: 400..=499, .. }) => return None,
            Ok(Answer { status: 200..=299, .. }) => {
                "it was accepted; a 4xx should refuse it".to_owned()
            }
            Ok(Answer { status: 300..=399, .. }) => {
                "it was redirected; a 4xx should refuse it".to_owned()
            }
            Ok(_) => "the endpoint failed on it; a 4xx should refuse it".to_owned(),
            // Whoever hangs up while it is sent has read enough.
            Err(Unanswered { is_timeout: false, .. }) if wanted == Wanted::RefusedOrCut => {
                return None;
            }
            Err(_) => "there was no answer; a 4xx should refuse it".to_owned(),
        },
    };
    Some(Problem::Other(problem))
}

fn mishandled(wanted: Wanted, handled: u64) -> Option<Problem> {
    let problem = match (wanted, handled) {
        (Wanted::Accepted | Wanted::OneAccepted | Wanted::Once, 0) => {
            "the log does not show that it was handled".to_owned()
        }
        (Wanted::Accepted | Wanted::OneAccepted | Wanted::Once, 2..) => {
            format!("the log shows that it was handled {handled} times")
        }
        (Wanted::Refused | Wanted::RefusedOrCut, 1..) => {
            "it was refused, and the log shows that it was handled all the same".to_owned()
        }
        _ => return None,
    };
    Some(Problem::Other(problem))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::cases;
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            elapsed: Duration::ZERO,
            body: Bytes::from_static(b"expected v1=ABCDEF"),
            location: None,
            retry_after: None,
        }
    }

    fn judged(name: &str, statuses: &[u16], handled: Option<u64>) -> Verdict {
        let case = cases::all().iter().find(|case| case.name == name).unwrap();
        let answers: Vec<_> = statuses.iter().map(|status| Ok(answer(*status))).collect();
        of(case, &[Secret::new("whsec")], &answers, handled).verdict
    }

    #[test]
    fn answers_are_judged_by_what_is_wanted() {
        for (name, statuses, handled, verdict) in [
            ("valid", &[200][..], None, Verdict::Good),
            ("valid", &[204], Some(1), Verdict::Good),
            ("valid", &[301], None, Verdict::Bad),
            ("valid", &[200], Some(0), Verdict::Bad),
            ("again", &[200, 200], Some(1), Verdict::Good),
            ("again", &[200, 200], Some(2), Verdict::Bad),
            ("again", &[200, 409], None, Verdict::Bad),
            ("at-once", &[409, 200], Some(1), Verdict::Good),
            ("at-once", &[409, 409], None, Verdict::Bad),
            ("at-once", &[200, 500], None, Verdict::Bad),
            ("replayed", &[200, 401], Some(1), Verdict::Good),
            ("replayed", &[200, 500], Some(1), Verdict::Bad),
            ("replayed", &[200, 200], Some(2), Verdict::Bad),
            ("tampered", &[401], Some(0), Verdict::Good),
            ("tampered", &[200], None, Verdict::Bad),
            ("tampered", &[500], None, Verdict::Bad),
            ("tampered", &[401], Some(1), Verdict::Bad),
            ("unknown-type", &[202], Some(0), Verdict::Good),
            ("unknown-type", &[422], None, Verdict::Bad),
        ] {
            assert_eq!(judged(name, statuses, handled), verdict, "{name} {statuses:?} {handled:?}");
        }
    }

    #[test]
    fn what_an_answer_gives_away_is_bad() {
        let case = cases::all().iter().find(|case| case.name == "tampered").unwrap();
        let finding = of(case, &[Secret::new("abcdef")], &[Ok(answer(401))], None);
        assert_eq!(finding.verdict, Verdict::Bad);
    }
}
