//! What can be ordered of a sandbox: campaigns, scripts, the Do-Not-Call list.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use uuid::Uuid;

use super::Sandbox;
use crate::convert::errors::to_pyerr;
use crate::convert::{input, json};
use revrag::{Error, Result, Secret};
use revrag_sandbox::engine::Held;
use revrag_sandbox::outcome::Line;
use revrag_sandbox::{Command, Settings, gate};

/// These settings over those of `base`.
pub(super) fn settings(
    py: Python<'_>,
    method: &str,
    base: Settings,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<Settings> {
    let Some(settings) = settings else { return Ok(base) };
    let refuse = |name: &str, problem: String| to_pyerr(py, Error::invalid(name, problem));
    let mut merged =
        serde_json::to_value(&base).map_err(|error| refuse("settings", error.to_string()))?;
    for (name, value) in settings.iter() {
        let name: String = name.extract()?;
        let Some(place) = merged.get_mut(&name) else {
            let problem = format!("{method}() got an unexpected keyword argument '{name}'");
            return Err(PyTypeError::new_err(problem));
        };
        *place = json::to_json(&value, &|| name.clone()).map_err(|error| error.into_pyerr(py))?;
    }
    serde_path_to_error::deserialize(merged)
        .map_err(|error| refuse(&error.path().to_string(), error.inner().to_string()))
}

/// The index of the campaign an argument names, or of the first.
fn campaign(held: &Held, id: Option<Uuid>) -> Result<usize> {
    let Some(id) = id else { return Ok(0) };
    let found = held.world().campaigns().iter().position(|it| it.id == id);
    found.ok_or_else(|| Error::invalid("campaign_id", "the sandbox has no such campaign"))
}

/// The index of the workspace whose key an argument names, or of the first.
pub(super) fn workspace(held: &Held, api_key: Option<&str>) -> Result<usize> {
    let Some(key) = api_key else { return Ok(0) };
    let found = held.world().workspaces().iter().position(|it| it.api_key.expose() == key);
    found.ok_or_else(|| Error::invalid("api_key", "no workspace of the sandbox has this key"))
}

fn id_of(name: &str, id: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Uuid>> {
    id.map(|id| input::id(name, id)).transpose()
}

impl Sandbox {
    fn order(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&Held) -> Result<Command> + Send,
    ) -> PyResult<()> {
        let done = py.detach(|| {
            self.0.engine().turn(|held| command(held).and_then(|command| held.apply(command)))
        });
        done.map(drop).map_err(|error| to_pyerr(py, error))
    }
}

#[pymethods]
impl Sandbox {
    /// Set a campaign's status, as its dashboard would: start, pause, resume or cancel it.
    ///
    /// Args:
    ///     status (str): `running`, `paused`, `completed` or `cancelled`. With the last two, records
    ///         that wait for a call are called no more.
    ///     campaign_id (str | UUID | None): The campaign; None is the first.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such campaign.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.set_campaign_status("paused")
    ///     ...     service.client().campaign(service.campaign_id).status().status
    ///     'paused'
    #[pyo3(signature = (status, *, campaign_id=None))]
    fn set_campaign_status(
        &self,
        py: Python<'_>,
        status: String,
        campaign_id: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let id = id_of("campaign_id", campaign_id)?;
        self.order(py, |held| Ok(Command::SetStatus { campaign: campaign(held, id)?, status }))
    }

    /// Add a workspace: a key, with its own campaigns and Do-Not-Call list.
    ///
    /// Args:
    ///     api_key (str): The API key.
    ///     name (str): What people call it.
    ///
    /// Returns:
    ///     str: Its id.
    ///
    /// Raises:
    ///     InvalidArgumentError: The key is empty, or another workspace's.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     workspace = service.add_workspace(api_key="other-key")
    ///     ...     campaign = service.add_campaign(api_key="other-key")
    ///     ...     service.client(api_key="other-key").campaign(campaign).status().status
    ///     'running'
    #[pyo3(
        signature = (*, api_key, name=String::new()),
        text_signature = "($self, *, api_key, name='')"
    )]
    fn add_workspace(&self, py: Python<'_>, api_key: String, name: String) -> PyResult<String> {
        let added = py.detach(|| self.0.engine().add_workspace(name, Secret::new(api_key)));
        added.map(|id| id.to_string()).map_err(|error| to_pyerr(py, error))
    }

    /// Add a campaign.
    ///
    /// Args:
    ///     campaign_id (str | UUID | None): Its id; None makes one.
    ///     api_key (str | None): The key of its workspace; None is the first workspace.
    ///     status (str): Its status.
    ///     **settings: `name`, `timezone` (`"Asia/Kolkata"`), `window` (`("09:00", "21:00")`; None, the
    ///         default, is the whole day), `active_days` (of `mon` to `sun`), `first_attempt_on` (a
    ///         date), `dial_first_attempt_immediately`, `end_date` (its last day), `max_concurrency`
    ///         (100), `max_attempts` (1), `retry_on` (of `no_answer`, `busy`, `failed`, `voicemail`;
    ///         all), `retry_delay` (1800 seconds), `callback_delay` (7200), `max_callbacks` (3),
    ///         `follow_up_delay` (86400), `max_follow_ups` (1), `dispatch_after` (0.2),
    ///         `call_duration` (0.5), `failure_rate` (0.1), `outcomes` (the shares of outcomes other
    ///         than `completed`, by name), `last_digits` (whether numbers that end in 5550100 to
    ///         5550107 stand for completed, no_answer, busy, failed, voicemail, callback, dnc and
    ///         follow_up), `variables` (the names its agent expects), `agent_id`, `from_number`.
    ///
    /// Returns:
    ///     str: Its id.
    ///
    /// Raises:
    ///     InvalidArgumentError: A setting can't be used, or there is a campaign with this id.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     campaign = service.add_campaign(window=("09:00", "21:00"), max_attempts=3)
    ///     ...     service.client().campaign(campaign).status().status
    ///     'running'
    #[pyo3(
        signature = (
            *, campaign_id=None, api_key=None, status="running".to_owned(), **settings
        ),
        text_signature = "($self, *, campaign_id=None, api_key=None, status='running', **settings)"
    )]
    fn add_campaign(
        &self,
        py: Python<'_>,
        campaign_id: Option<&Bound<'_, PyAny>>,
        api_key: Option<&str>,
        status: String,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let id = id_of("campaign_id", campaign_id)?;
        let settings = self::settings(py, "add_campaign", Settings::default(), settings)?;
        let engine = self.0.engine();
        let added = py.detach(|| {
            let workspace = workspace(&engine.lock(), api_key)?;
            engine.add_campaign(workspace, id, status, settings)
        });
        added.map(|id| id.to_string()).map_err(|error| to_pyerr(py, error))
    }

    /// Change settings of a campaign, from now on.
    ///
    /// Args:
    ///     campaign_id (str | UUID | None): The campaign; None is the first.
    ///     **settings: Those of `add_campaign` that change.
    ///
    /// Raises:
    ///     InvalidArgumentError: A setting can't be used, or there is no such campaign.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.update_campaign(max_concurrency=2)
    #[pyo3(signature = (campaign_id=None, **settings))]
    fn update_campaign(
        &self,
        py: Python<'_>,
        campaign_id: Option<&Bound<'_, PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let id = id_of("campaign_id", campaign_id)?;
        let (index, base) = {
            let held = self.0.engine().lock();
            let index = campaign(&held, id).map_err(|error| to_pyerr(py, error))?;
            (index, held.world().campaigns()[index].settings().clone())
        };
        let settings = Box::new(self::settings(py, "update_campaign", base, settings)?);
        self.order(py, |_| Ok(Command::SetSettings { campaign: index, settings }))
    }

    /// Say how calls to a number go.
    ///
    /// Args:
    ///     number (str): The number, in any notation.
    ///     lines (Iterable[str | Mapping]): How a record's first attempt goes, its second, and so on;
    ///         the last line goes on. Each is an outcome (`completed`, `no_answer`, `busy`, `failed`,
    ///         `voicemail`, `callback`, `dnc`, `follow_up`), or a mapping with `outcome` and any of
    ///         `duration` (seconds), `after` (seconds to the retry, callback or follow-up),
    ///         `transcript` (mappings of `role` and `content`), `summary`, `variables` (what the agent
    ///         extracts), `reason` (of the Do-Not-Call entry). None at all takes the script away.
    ///
    /// Raises:
    ///     InvalidArgumentError: A line can't be read, or `number` holds no phone number.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual", max_attempts=3) as service:
    ///     ...     service.script("+919876543210", ["no_answer", "completed"])
    ///     ...     leads = service.client().campaign(service.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     _ = service.run_until_idle()
    ///     ...     leads.record(pushed.results[0].run_id).attempt_count
    ///     2
    fn script(&self, py: Python<'_>, number: String, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        let read = |(index, line): (usize, PyResult<Bound<'_, PyAny>>)| {
            let name = || format!("lines[{index}]");
            let json = json::to_json(&line?, &name).map_err(|error| error.into_pyerr(py))?;
            Line::read(json).map_err(|problem| to_pyerr(py, Error::invalid(name(), problem)))
        };
        if lines.is_instance_of::<pyo3::types::PyString>() {
            let problem = "it is one outcome; pass a list, [outcome]";
            return Err(to_pyerr(py, Error::invalid("lines", problem)));
        }
        let lines = lines.try_iter()?.enumerate().map(read).collect::<PyResult<_>>()?;
        self.order(py, |_| Ok(Command::Script { number, lines }))
    }

    /// Put a number on a workspace's Do-Not-Call list. Its records that wait become `dnc`.
    ///
    /// Args:
    ///     number (str): The number, in any notation.
    ///     reason (str): Why.
    ///     api_key (str | None): The key of the workspace; None is the first.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such workspace, or `number` holds no phone number.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(dispatch_after=3600) as service:
    ///     ...     leads = service.client().campaign(service.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     service.add_to_dnc("+919876543210")
    ///     ...     leads.record(pushed.results[0].run_id).status
    ///     'dnc'
    #[pyo3(
        signature = (number, *, reason="Added by hand".to_owned(), api_key=None),
        text_signature = "($self, number, *, reason='Added by hand', api_key=None)"
    )]
    fn add_to_dnc(
        &self,
        py: Python<'_>,
        number: String,
        reason: String,
        api_key: Option<&str>,
    ) -> PyResult<()> {
        self.order(py, |held| {
            let workspace = workspace(held, api_key)?;
            Ok(Command::Bar { workspace, number, reason })
        })
    }

    /// Take a number off a workspace's Do-Not-Call list. Records that are `dnc` stay so.
    ///
    /// Args:
    ///     number (str): The number, in any notation.
    ///     api_key (str | None): The key of the workspace; None is the first.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such workspace, or `number` holds no phone number.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.remove_from_dnc("+919876543210")
    #[pyo3(signature = (number, *, api_key=None))]
    fn remove_from_dnc(
        &self,
        py: Python<'_>,
        number: String,
        api_key: Option<&str>,
    ) -> PyResult<()> {
        self.order(py, |held| {
            let workspace = workspace(held, api_key)?;
            Ok(Command::Unbar { workspace, number })
        })
    }

    /// What a record waits for, in words.
    ///
    /// Args:
    ///     run_id (str | UUID): The record.
    ///
    /// Returns:
    ///     str | None: As in `outside the window until 09:00 IST`; None where it waits for nothing.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such record.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual", window=("11:00", "18:00"), dispatch_after=0) as service:
    ///     ...     leads = service.client().campaign(service.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     service.waits_for(pushed.results[0].run_id)
    ///     'outside the window until 11:00 IST'
    fn waits_for(&self, py: Python<'_>, run_id: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        let id = input::id("run_id", run_id)?;
        let held = self.0.engine().lock();
        let world = held.world();
        let found = (0..world.campaigns().len())
            .find_map(|campaign| Some((campaign, world.record(campaign, id)?)));
        let Some((campaign, record)) = found else {
            let problem = "the sandbox has no such record";
            return Err(to_pyerr(py, Error::invalid("run_id", problem)));
        };
        let zone = world.campaigns()[campaign].calendar().zone();
        let wait = gate::of_record(world, campaign, record);
        Ok(wait.map(|wait| wait.words(zone, world.now())))
    }
}
