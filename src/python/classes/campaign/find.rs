//! `Campaign.find`.

use pyo3::prelude::*;

use crate::classes::campaign::Campaign;
use crate::classes::find::{self, Asked};
use crate::classes::models;
use crate::ground::run::run_sync;
use crate::ground::task::run_async;

#[pymethods]
impl Campaign {
    /// The campaign's records that have all that is given, looked for in the whole listing.
    ///
    /// It is what to do after a `PushOutcomeUnknownError`, before anything is pushed once more. What is
    /// found is there. That nothing is found is proof only where the service has had the time to finish
    /// the push (minutes rather than seconds) and shows what is looked for as it was sent: session ids
    /// and user ids, that is, which not every service gives back.
    ///
    /// Every page is read, until a look shows as many records as its pages say there are, or two looks
    /// in a row show the same.
    ///
    /// Args:
    ///     app_session_id (str | int | UUID | None): The session id, as it was sent.
    ///     app_user_id (str | int | UUID | None): The user id, as it was sent.
    ///     phone_number (str | int | None): The number, in any notation: compared as E.164.
    ///     region (str): Where numbers without a country code belong, as `"IN"`.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     list[Record]: All records with everything that is given; empty where there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: Nothing is given, or something that can't be looked for; nothing was sent.
    ///     InvalidResponseError: The listing could not be proven complete: a record that it does not show
    ///         may be there. The text names the runs that were seen. Look again later.
    ///     APIStatusError: The service refused.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///
    /// Example:
    ///     >>> run_id in {record.id for record in campaign.find(phone_number="98765 43210")}
    ///     True
    #[pyo3(
        signature = (*, app_session_id=None, app_user_id=None, phone_number=None, region="IN".to_owned(), timeout=None),
        text_signature = "($self, *, app_session_id=None, app_user_id=None, phone_number=None, region='IN', timeout=None)"
    )]
    fn find(
        &self,
        py: Python<'_>,
        app_session_id: Option<Py<PyAny>>,
        app_user_id: Option<Py<PyAny>>,
        phone_number: Option<Py<PyAny>>,
        region: String,
        timeout: Option<f64>,
    ) -> PyResult<Vec<models::Record>> {
        let asked = Asked { app_session_id, app_user_id, phone_number, region };
        run_sync(py, self.onlooker(py), find::operation(self.http(), self.id, asked, timeout))
    }

    /// The asyncio twin of `find`.
    ///
    /// Example:
    ///     >>> found = asyncio.run(campaign.find_async(phone_number="98765 43210"))
    ///     >>> run_id in {record.id for record in found}
    ///     True
    #[pyo3(
        signature = (*, app_session_id=None, app_user_id=None, phone_number=None, region="IN".to_owned(), timeout=None),
        text_signature = "($self, *, app_session_id=None, app_user_id=None, phone_number=None, region='IN', timeout=None)"
    )]
    fn find_async<'py>(
        &self,
        py: Python<'py>,
        app_session_id: Option<Py<PyAny>>,
        app_user_id: Option<Py<PyAny>>,
        phone_number: Option<Py<PyAny>>,
        region: String,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked { app_session_id, app_user_id, phone_number, region };
        let operation = find::operation(self.http(), self.id, asked, timeout);
        run_async(py, "Campaign.find_async", self.onlooker(py), operation)
    }
}
