//! Requests that are under way, and the events that they end with.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::ledger::Event;

/// Requests, each a task, and what is told of them and of what goes on beside them.
pub(super) struct Requests {
    events: UnboundedReceiver<Event>,
    tell: UnboundedSender<Event>,
    tasks: JoinSet<()>,
}

impl Requests {
    pub(super) fn new() -> Self {
        let (tell, events) = unbounded_channel();
        Self { events, tell, tasks: JoinSet::new() }
    }

    /// Begins a request, beside all else; `otherwise` happens where it fails inside.
    pub(super) fn begin(
        &mut self,
        otherwise: Event,
        request: impl Future<Output = Event> + Send + 'static,
    ) {
        let promise = Promise { tell: self.tell.clone(), event: Some(otherwise) };
        self.tasks.spawn(async move {
            let mut promise = promise;
            promise.event = Some(request.await);
        });
    }

    /// What happened without a request.
    pub(super) fn tell(&self, event: Event) {
        // It can't fail: the other end is here.
        let _ = self.tell.send(event);
    }

    /// The next event. Dropped before there is one, none is lost.
    pub(super) async fn next(&mut self) -> Event {
        // A task that has ended keeps its memory until it is joined.
        while self.tasks.try_join_next().is_some() {}
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Ends all of them.
    pub(super) fn abort(&mut self) {
        self.tasks.abort_all();
    }
}

/// An event that is told when this is dropped.
struct Promise {
    tell: UnboundedSender<Event>,
    event: Option<Event>,
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            // Nobody to tell: the upload has ended.
            let _ = self.tell.send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_ended_is_let_go_though_there_is_always_another_event() {
        let mut requests = Requests::new();
        let begin = |requests: &mut Requests| requests.begin(Event::Tick, async { Event::Begin });
        (0..4).for_each(|_| begin(&mut requests));
        for _ in 0..1000 {
            assert!(matches!(requests.next().await, Event::Begin));
            begin(&mut requests);
            assert!(requests.tasks.len() <= 8, "{} tasks are kept", requests.tasks.len());
        }
    }

    #[tokio::test]
    async fn a_request_that_fails_inside_tells_so() {
        let mut requests = Requests::new();
        requests.begin(Event::Tick, std::future::pending());
        requests.abort();
        assert!(matches!(requests.next().await, Event::Tick));
    }
}
