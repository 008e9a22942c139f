//! The client and the sandbox, over a real socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use revrag::http::{Client, Config, Options, RecordsQuery};
use revrag::model::{Count, NewRecord};
use revrag::webhook::{Headers, Verifier};
use revrag::{Error, Secret};
use revrag_sandbox::{self as sandbox, Sandbox, Settings};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

const SECRET: &str = "whsec_sandbox";
const LIMIT: Duration = Duration::from_secs(20);

fn quick() -> sandbox::Config {
    let settings = Settings {
        dispatch_after: Duration::ZERO.into(),
        call_duration: Duration::from_millis(20).into(),
        failure_rate: 0.0,
        ..Settings::default()
    };
    sandbox::Config { settings, ..sandbox::Config::default() }
}

fn client(sandbox: &Sandbox) -> Client {
    let options = Options {
        api_key: Some(sandbox.config().api_key.clone()),
        base_url: Some(sandbox.url()),
        max_retries: 0,
        ..Options::default()
    };
    Client::new(Config::resolve(&options, |_| None).unwrap())
}

fn lead(phone_number: &str) -> NewRecord {
    NewRecord { phone_number: phone_number.to_owned(), ..NewRecord::default() }
}

fn status_of(error: &Error) -> u16 {
    match error {
        Error::Status(error) => error.status,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_record_from_push_to_transcript() {
    let sandbox = Sandbox::start(quick()).unwrap();
    let (client, campaign) = (client(&sandbox), sandbox.campaign_id());
    let variables = json!({"first_name": "Pankaj", "tags": ["a", null]});
    let record = NewRecord {
        variables: variables.as_object().cloned(),
        app_user_id: Some("user_1".to_owned()),
        ..lead("+919876543210")
    };
    let pushed = client.push(campaign, &[record, lead("nonsense")]).await.unwrap();
    assert_eq!((&pushed.accepted, &pushed.rejected), (&Some(1_u32.into()), &Some(1_u32.into())));
    let error = pushed.results[1].error.as_deref();
    assert_eq!(error, Some("Invalid Indian phone number: nonsense"));

    let run: Uuid = pushed.results[0].run_id.as_ref().unwrap().parse().unwrap();
    let tick = Duration::from_millis(10);
    let record = client.wait(campaign, run, Some(LIMIT), tick).await.unwrap();
    assert_eq!(record.status.as_deref(), Some("completed"));
    let sent: Value = serde_json::from_slice(record.variables.as_ref().unwrap().0.text()).unwrap();
    assert_eq!(sent, variables);
    assert_eq!(record.app_user_id.as_deref(), Some("user_1"));

    let call = record.call_history[0].call_id.as_ref().unwrap().parse().unwrap();
    let call = client.call(call).await.unwrap();
    assert_eq!(call.call_status.as_deref(), Some("completed"));
    let said = &call.transcription.as_ref().unwrap().messages[0].content;
    assert!(said.as_ref().unwrap().contains("Pankaj"));

    let campaign = client.campaign_status(campaign).await.unwrap();
    let stats = campaign.stats.as_ref().unwrap();
    assert_eq!(stats.total_records, Some(1_u32.into()));
    assert_eq!(stats.completed, Count::from(1));
}

#[tokio::test]
async fn pages_hold_every_record_once() {
    let slow = Settings { dispatch_after: Duration::from_hours(1).into(), ..quick().settings };
    let sandbox = Sandbox::start(sandbox::Config { settings: slow, ..quick() }).unwrap();
    let (client, campaign) = (client(&sandbox), sandbox.campaign_id());
    let leads: Vec<_> = (0..25).map(|i| lead(&format!("+9198765432{i:02}"))).collect();
    client.push(campaign, &leads).await.unwrap();
    let mut seen = Vec::new();
    for number in 1..=4 {
        let query = RecordsQuery { status: Some("queued".to_owned()), page: number, page_size: 10 };
        let page = client.records_page(campaign, &query).await.unwrap();
        let said = [&page.total, &page.page_size, &page.page].map(|it| it.as_ref()?.as_u64());
        assert_eq!(said, [Some(25), Some(10), Some(number)]);
        assert_eq!(page.has_more, Some(number < 3));
        seen.extend(page.items.iter().map(|record| record.phone_number.clone()));
    }
    seen.sort();
    assert_eq!(seen, leads.iter().map(|lead| Some(lead.phone_number.clone())).collect::<Vec<_>>());
    let query = RecordsQuery { status: Some("dnc".to_owned()), page: 1, page_size: 200 };
    let page = client.records_page(campaign, &query).await.unwrap();
    assert_eq!(page.total, Some(0_u32.into()));
}

#[tokio::test]
async fn refusals_are_those_of_the_reference() {
    let sandbox = Sandbox::start(quick()).unwrap();
    let (client, campaign) = (client(&sandbox), sandbox.campaign_id());
    let elsewhere = Uuid::from_u128(5);
    assert_eq!(status_of(&client.campaign_status(elsewhere).await.unwrap_err()), 404);
    assert_eq!(status_of(&client.record(campaign, elsewhere).await.unwrap_err()), 404);
    assert_eq!(status_of(&client.call(elsewhere).await.unwrap_err()), 404);
    for state in ["completed", "paused", "cancelled"] {
        sandbox.set_campaign_status(state).unwrap();
        let error = client.push(campaign, &[lead("+919876543210")]).await.unwrap_err();
        assert_eq!(status_of(&error), 400);
        let expected = format!("Cannot push records: campaign is {state}.");
        assert!(error.to_string().contains(&expected), "{error}");
    }

    let plain = reqwest_client();
    let url = format!("{}/v1/campaigns/{campaign}", sandbox.url());
    let key = sandbox.config().api_key.expose().to_owned();
    let unauthorized = plain.get(format!("{url}/status")).send().await.unwrap();
    assert_eq!(unauthorized.status(), 401);
    assert!(unauthorized.headers().contains_key("x-request-id"));
    let table = [
        ("application/json", "{", json!(["body", 1])),
        ("application/json", "{}", json!(["body", "records"])),
        ("application/json", r#"{"records":[{}]}"#, json!(["body", "records", 0, "phone_number"])),
        ("text/plain", r#"{"records":[]}"#, json!(["body"])),
    ];
    for (content_type, body, loc) in table {
        let answer = plain
            .post(format!("{url}/records/push-bulk"))
            .header("X-API-Key", &key)
            .header("Content-Type", content_type)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 422, "{body}");
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["detail"][0]["loc"], loc, "{body}");
    }
    for (path, status) in [("/nowhere", 404), ("/records?page=0", 422), ("/records/x", 404)] {
        let request = plain.get(format!("{url}{path}")).header("X-API-Key", &key);
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    }
    let request = plain.delete(format!("{url}/status")).header("X-API-Key", &key);
    assert_eq!(request.send().await.unwrap().status(), 405);
}

fn reqwest_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

/// What a webhook endpoint received, and how often it shall refuse first.
#[derive(Default)]
struct Inbox {
    deliveries: Mutex<Vec<(String, String)>>,
    refuse: Mutex<usize>,
    changed: Notify,
}

async fn receive(State(inbox): State<Arc<Inbox>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let headers = Headers::pick(
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes().to_vec())),
    );
    let verifier = Verifier::new([Secret::new(SECRET)], LIMIT, LIMIT).unwrap();
    let event = verifier.verify(&body, &headers, std::time::SystemTime::now().into()).unwrap();
    let signature = parts.headers["x-webhook-signature"].to_str().unwrap().to_owned();
    inbox.deliveries.lock().unwrap().push((event.id, signature));
    inbox.changed.notify_one();
    let mut refuse = inbox.refuse.lock().unwrap();
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::NO_CONTENT
}

async fn inbox(refuse: usize) -> (Arc<Inbox>, String) {
    let inbox = Arc::new(Inbox { refuse: Mutex::new(refuse), ..Inbox::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().fallback(receive).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (inbox, url)
}

#[tokio::test]
async fn each_ended_call_is_told_once_and_again_where_that_fails() {
    let (inbox, url) = inbox(2).await;
    let sandbox = Sandbox::start(sandbox::Config {
        webhook_url: Some(url),
        webhook_secret: Some(Secret::new(SECRET)),
        ..quick()
    })
    .unwrap();
    let leads: Vec<_> = (0..20).map(|i| lead(&format!("+9198765432{i:02}"))).collect();
    client(&sandbox).push(sandbox.campaign_id(), &leads).await.unwrap();
    tokio::time::timeout(LIMIT, async {
        while sandbox.tally().delivered < 20 {
            inbox.changed.notified().await;
            // The count follows the answer; look again soon.
            inbox.changed.notify_one();
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let deliveries = inbox.deliveries.lock().unwrap().clone();
    assert_eq!(deliveries.len(), 22);
    let mut ids: Vec<_> = deliveries.iter().map(|(id, _)| id).collect();
    assert!(ids.iter().all(|id| id.starts_with("evt_") && id.len() == 30));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20, "the same id at each try");
}

#[test]
fn it_stops_at_once_and_only_once_from_any_thread() {
    let sandbox = Sandbox::start(quick()).unwrap();
    let address = sandbox.url().replace("http://", "");
    assert!(std::net::TcpStream::connect(&address).is_ok());
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| sandbox.stop());
    });
    sandbox.stop();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(std::net::TcpStream::connect(&address).is_err());
}
