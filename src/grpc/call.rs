//! One call: who makes it, how long he waits, whether he may; with a span that holds nothing personal.
//!
//! Every call passes [`Admission`] before any service sees it: a method without a row in the permission table is
//! closed, so that a forgotten check can't open one.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{Either, Ready, ready};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::{Request, Status};
use tower::Layer;
use tracing::Instrument;
use tracing::instrument::Instrumented;

use super::status;
use crate::access::Caller;
use crate::access::table::{Right, roles_of};
use crate::sequencer;

/// What starts the path of each method of the contract.
const CONTRACT: &str = "/consent.v1.";
/// The server stops waiting this long before the caller does, so that the answer says why.
const MARGIN: Duration = Duration::from_millis(2);

/// A call that was let in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The same, as records name him.
    pub actor: Arc<sequencer::Caller>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

impl Call {
    /// The call that `request` belongs to.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the request didn't pass [`Admission`].
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        match request.extensions().get::<Self>() {
            Some(call) => Ok(call.clone()),
            None => Err(Status::permission_denied("the call was not let in")),
        }
    }

    /// Ends with DEADLINE_EXCEEDED when the caller's deadline comes first.
    ///
    /// # Errors
    /// What `work` ends with, or DEADLINE_EXCEEDED.
    pub async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let Some(deadline) = self.deadline else {
            return work.await;
        };
        match tokio::time::timeout_at(deadline.into(), work).await {
            Ok(done) => done,
            Err(_) => Err(status::deadline_passed()),
        }
    }

    /// Checks a right that part of a request needs.
    ///
    /// # Errors
    /// PERMISSION_DENIED naming the roles that have it.
    pub fn needs(&self, right: Right, what: &str) -> Result<(), Status> {
        if self.caller.role.has(right) {
            Ok(())
        } else {
            Err(status::role_required(what, right.roles()))
        }
    }

    /// Checks that the caller may call a method, where a stream carries requests of several.
    ///
    /// # Errors
    /// PERMISSION_DENIED naming the roles that may.
    pub fn may_call(&self, path: &str) -> Result<(), Status> {
        if self.caller.role.may_call(path) {
            Ok(())
        } else {
            Err(status::role_required(
                path,
                roles_of(path).unwrap_or_default(),
            ))
        }
    }
}

/// The longest time that the caller waits, by the header `grpc-timeout`; none where there is none or it is no time.
fn timeout(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&number.len()) || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Lets calls in.
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    caller: Caller,
    actor: Arc<sequencer::Caller>,
}

impl AdmissionLayer {
    /// Takes every call for one of `caller`: nothing proves yet who calls.
    pub fn of_everybody(caller: Caller) -> Self {
        let actor = Arc::new(sequencer::Caller {
            service: caller.service.to_owned(),
            role: caller.role.name().to_owned(),
        });
        Self { caller, actor }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission {
            inner,
            door: self.clone(),
        }
    }
}

/// Lets a call in if the permission table does, and says which call it is.
#[derive(Clone, Debug)]
pub struct Admission<S> {
    inner: S,
    door: AdmissionLayer,
}

impl<S, B> Service<http::Request<B>> for Admission<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Instrumented<S::Future>, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let AdmissionLayer { caller, actor } = self.door.clone();
        let path = request.uri().path();
        // Health and reflection are open to whoever reaches the door.
        if path.starts_with(CONTRACT) && !caller.role.may_call(path) {
            let denied = match roles_of(path) {
                Some(roles) => status::role_required(path, roles),
                None => Status::unimplemented("the contract has no such method"),
            };
            return Either::Right(ready(Ok(denied.into_http())));
        }
        let method = path.get(1..).unwrap_or_default();
        let span = tracing::debug_span!(
            "call",
            rpc.method = method,
            reason = tracing::field::Empty,
            position = tracing::field::Empty,
        );
        let deadline = timeout(request.headers())
            .and_then(|timeout| Instant::now().checked_add(timeout.saturating_sub(MARGIN)));
        request.extensions_mut().insert(Call {
            caller,
            actor,
            deadline,
        });
        Either::Left(self.inner.call(request).instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    fn timeout_of(text: &str) -> Option<Duration> {
        let mut headers = http::HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        timeout(&headers)
    }

    #[test]
    fn c7_a_deadline_is_read_in_each_unit() {
        assert_eq!(timeout_of("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(timeout_of("3M"), Some(Duration::from_secs(180)));
        assert_eq!(timeout_of("4S"), Some(Duration::from_secs(4)));
        assert_eq!(timeout_of("5m"), Some(Duration::from_millis(5)));
        assert_eq!(timeout_of("6u"), Some(Duration::from_micros(6)));
        assert_eq!(
            timeout_of("99999999n"),
            Some(Duration::from_nanos(99_999_999))
        );
        for wrong in ["", "S", "5", "5s", "-5S", "123456789S", "+5S", "5é"] {
            assert_eq!(timeout_of(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn c7_a_call_ends_at_its_deadline_and_says_so() {
        let AdmissionLayer { caller, actor } = AdmissionLayer::of_everybody(Caller::loopback());
        let call = Call {
            caller,
            actor,
            deadline: Some(Instant::now()),
        };
        let never = std::future::pending::<Result<(), Status>>();
        let ended = call.in_time(never).await.unwrap_err();
        assert_eq!(ended.code(), tonic::Code::DeadlineExceeded);
        assert_eq!(
            call.in_time(async { Ok(7) }).await.unwrap(),
            7,
            "what is ready is given"
        );
    }

    #[test]
    fn t2_a_request_that_was_not_let_in_is_no_call() {
        let refused = Call::of(&Request::new(())).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    }

    #[test]
    fn t2_a_stream_that_carries_commands_needs_the_role_of_each() {
        let caller = Caller {
            service: "crm",
            role: Role::ConsentWriter,
        };
        let AdmissionLayer { caller, actor } = AdmissionLayer::of_everybody(caller);
        let call = Call {
            caller,
            actor,
            deadline: None,
        };
        assert!(
            call.may_call("/consent.v1.ConsentService/RecordConsent")
                .is_ok()
        );
        let refused = call
            .may_call("/consent.v1.DisclosureService/Disclose")
            .unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
        assert!(refused.message().contains("disclosure_writer"), "{refused}");
    }
}
