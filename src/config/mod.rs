//! The effective configuration, and where each value came from (O1).
//!
//! Flags win over the environment, the environment over the file, the file over the defaults. This is the only place
//! that reads the environment; a setting that nobody knows is refused, so that a typing error never goes unnoticed.

mod file;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use settings::{SETTINGS, Setting};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// The configuration file, at that line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings that are whole numbers above zero.
const NUMBERS: &[&str] = &[
    "queue_commands",
    "secrets_at_once",
    "request_window_days",
    "cache_customers",
    "unwritten_changes",
    "unwritten_records",
    "tail_mib",
    "log_cache_mib",
    "view_cache_mib",
    "checkpoint_seconds",
];

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("configuration file {path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A setting that nobody knows.
    #[error("{path}:{line}: `{key}` is no setting{hint}; `consent-ledger config` lists them all", path = path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// The key.
        key: String,
        /// The nearest known key.
        hint: String,
    },
    /// A value that the setting doesn't take.
    #[error("`{key}` from {origin}: {problem}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Where the value came from.
        origin: Source,
        /// What is wrong.
        problem: String,
    },
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Value {
    /// The text.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<&'static str, Value>,
}

impl Config {
    /// Layers flags over the process's environment over `file` over the defaults.
    ///
    /// # Errors
    /// When the file can't be read, or holds a setting that nobody knows.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one reader of the environment"
    )]
    pub fn load(
        file: Option<&Path>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        Self::layer(file, &|name| std::env::var(name).ok(), flags)
    }

    /// As [`Config::load`], with the environment given.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn layer(
        file: Option<&Path>,
        environment: &dyn Fn(&str) -> Option<String>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        let from_file = match file {
            Some(path) => file::read(path)?,
            None => BTreeMap::new(),
        };
        let values = SETTINGS.iter().map(|setting| {
            let flag = flags.iter().find(|(key, _)| *key == setting.key);
            let value = if let Some((_, text)) = flag {
                Value {
                    text: text.clone(),
                    source: Source::Flag(setting.flag),
                }
            } else if let Some(text) = environment(setting.variable) {
                Value {
                    text,
                    source: Source::Environment(setting.variable),
                }
            } else if let Some(value) = from_file.get(setting.key) {
                value.clone()
            } else {
                Value {
                    text: setting.default.to_owned(),
                    source: Source::Default,
                }
            };
            (setting.key, value)
        });
        let config = Self {
            values: values.collect(),
        };
        config.check()?;
        Ok(config)
    }

    /// Each setting with its value, credentials in URLs blanked, and its source.
    pub fn shown(&self) -> impl Iterator<Item = (&'static Setting, String, &Source)> {
        SETTINGS.iter().filter_map(|setting| {
            let value = self.values.get(setting.key)?;
            Some((setting, redacted(&value.text), &value.source))
        })
    }

    /// The text of a setting.
    pub fn text(&self, key: &'static str) -> &str {
        self.values.get(key).map_or("", |value| value.text.as_str())
    }

    /// The text of a setting; `None` where it is empty.
    pub fn optional(&self, key: &'static str) -> Option<&str> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    /// A number.
    ///
    /// # Errors
    /// When it isn't one, or is zero.
    pub fn number(&self, key: &'static str) -> Result<u64, ConfigError> {
        match self.text(key).parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(self.wrong(key, "it must be a whole number above zero")),
        }
    }

    /// An address.
    ///
    /// # Errors
    /// When it isn't one.
    pub fn address(&self, key: &'static str) -> Result<SocketAddr, ConfigError> {
        self.text(key).parse().map_err(|_| {
            self.wrong(
                key,
                &format!("`{}` is no address such as 127.0.0.1:7400", self.text(key)),
            )
        })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        PathBuf::from(self.text("data"))
    }

    /// A number of things in memory.
    ///
    /// # Errors
    /// As [`Config::number`], or when it is larger than a memory.
    pub fn count(&self, key: &'static str) -> Result<usize, ConfigError> {
        usize::try_from(self.number(key)?).map_err(|_| self.wrong(key, "it is too large"))
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.address("listen")?;
        if self.text("metrics") != "off" {
            self.address("metrics")?;
        }
        if !matches!(self.text("log_format"), "text" | "json") {
            return Err(self.wrong("log_format", "it must be `text` or `json`"));
        }
        NUMBERS
            .iter()
            .try_for_each(|key| self.number(key).map(drop))
    }

    /// That the value of `key` is not what it takes.
    pub fn wrong(&self, key: &'static str, problem: &str) -> ConfigError {
        let source = self
            .values
            .get(key)
            .map_or(Source::Default, |value| value.source.clone());
        ConfigError::Value {
            key,
            origin: source,
            problem: problem.to_owned(),
        }
    }
}

/// This program's own file, to start another of it.
///
/// # Errors
/// When the system doesn't say.
pub fn executable() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// A URL without what stands between scheme and host.
fn redacted(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("consent-ledger.toml");
        std::fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .unwrap();
        (dir, path)
    }

    #[test]
    fn o1_flags_win_over_the_environment_over_the_file_over_defaults() {
        let (_dir, path) =
            written("data = \"from-file\"\nlisten = \"127.0.0.1:1\"\norigin = \"file\"\n");
        let environment = |name: &str| match name {
            "CONSENT_LEDGER_DATA" => Some("from-env".to_owned()),
            "CONSENT_LEDGER_LISTEN" => Some("127.0.0.1:2".to_owned()),
            _ => None,
        };
        let flags = [("data", "from-flag".to_owned())];
        let config = Config::layer(Some(&path), &environment, &flags).unwrap();
        let of = |key: &'static str| {
            let value = config.values.get(key).unwrap();
            (value.text.as_str(), value.source.to_string())
        };
        assert_eq!(of("data"), ("from-flag", "--data".to_owned()));
        assert_eq!(
            of("listen"),
            ("127.0.0.1:2", "$CONSENT_LEDGER_LISTEN".to_owned())
        );
        assert_eq!(of("origin").0, "file");
        assert!(of("origin").1.ends_with("consent-ledger.toml:3"));
        assert_eq!(of("log"), ("info,async_nats=off", "default".to_owned()));
    }

    #[test]
    fn o1_an_unknown_setting_is_refused_with_its_line() {
        let (_dir, path) = written("data = \"d\"\nlisten_address = \"127.0.0.1:1\"\n");
        let error = Config::layer(Some(&path), &|_| None, &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains(":2: `listen_address`"), "{error}");
        assert!(error.contains("did you mean `listen`?"), "{error}");
    }

    #[test]
    fn o1_a_wrong_value_names_setting_and_source() {
        let flags = [("listen", "here".to_owned())];
        let error = Config::layer(None, &|_| None, &flags)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "`listen` from --listen: `here` is no address such as 127.0.0.1:7400"
        );
    }

    #[test]
    fn t3_a_password_in_a_url_is_never_shown() {
        let flags = [(
            "nats_url",
            "nats://ledger:hunter2@127.0.0.1:4222".to_owned(),
        )];
        let config = Config::layer(None, &|_| None, &flags).unwrap();
        assert!(
            config
                .shown()
                .all(|(_, value, _)| !value.contains("hunter2"))
        );
    }
}
