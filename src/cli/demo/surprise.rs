//! What can go otherwise than the demo says it goes. Nothing is printed as a fact before it was checked.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use crate::app::ServeError;
use crate::audit::AuditError;
use crate::cli::Ended;
use crate::config::ConfigError;

/// Why the demo ends early.
#[derive(Debug, thiserror::Error)]
pub enum Surprise {
    /// An answer or a finding is not the one that the demo tells of.
    #[error("{what}: expected {expected}, found {found}")]
    Otherwise {
        /// What was looked at.
        what: String,
        /// What it had to be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A call failed that had to succeed.
    #[error("a call was refused that had to succeed: {} {}", .0.code(), .0.message())]
    Call(Box<tonic::Status>),
    /// The client can't reach the server.
    #[error("the server can't be reached: {0}")]
    Connect(#[from] tonic::transport::Error),
    /// The folder given has something in it.
    #[error("{path} is not empty: the demo begins a ledger of its own; name a new folder", path = .0.display())]
    NotEmpty(PathBuf),
    /// A file or folder can't be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: std::io::Error,
    },
    /// The server can't run.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The server's settings are refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A sound ledger was found to be wrong, or could not be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// NATS does not do what it has to.
    #[error("NATS: {0}")]
    Nats(String),
    /// Somebody stopped the demo.
    #[error("stopped before the end")]
    Stopped,
}

impl Surprise {
    /// That `what` is not as expected.
    pub fn otherwise(what: &str, expected: impl Debug, found: impl Debug) -> Self {
        Self::Otherwise {
            what: what.to_owned(),
            expected: format!("{expected:?}"),
            found: format!("{found:?}"),
        }
    }

    /// The exit code that goes with it.
    pub fn ended(&self) -> Ended {
        match self {
            Self::Otherwise { .. } | Self::Call(_) | Self::Audit(_) | Self::Serve(_) => {
                Ended::Wrong
            }
            Self::NotEmpty(_) | Self::Config(_) => Ended::Usage,
            Self::Connect(_) | Self::File { .. } | Self::Nats(_) | Self::Stopped => {
                Ended::Unreachable
            }
        }
    }
}

impl From<tonic::Status> for Surprise {
    fn from(status: tonic::Status) -> Self {
        Self::Call(Box::new(status))
    }
}

/// Names the file in an error of it.
pub fn of_file(path: &Path) -> impl Fn(std::io::Error) -> Surprise {
    let path = path.to_owned();
    move |problem| Surprise::File {
        path: path.clone(),
        problem,
    }
}

/// Checks a claim before it is printed.
///
/// # Errors
/// When it doesn't hold.
pub fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), Surprise> {
    if found == expected {
        Ok(())
    } else {
        Err(Surprise::otherwise(what, expected, found))
    }
}

/// Checks that something is there before it is used.
///
/// # Errors
/// When it isn't.
pub fn there<T>(what: &str, found: Option<T>) -> Result<T, Surprise> {
    found.ok_or_else(|| Surprise::Otherwise {
        what: what.to_owned(),
        expected: "a value".to_owned(),
        found: "none".to_owned(),
    })
}
