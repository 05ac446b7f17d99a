//! What the relay can be told, and which of it is secret.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use async_nats::ServerAddr;
use zeroize::Zeroizing;

use super::RelayError;

/// The relay's settings. `Default` is a NATS server on this machine without authentication.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where NATS is; several servers of one cluster are tried in turn. At least one.
    pub servers: Vec<Server>,
    /// How the relay proves who it is.
    pub auth: Auth,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// The stream's name; `None` for `CONSENT_` and the first eight hex digits of the ledger id, upper case.
    pub stream: Option<String>,
    /// The name of the stream on which whoever notifies customers of account changes is told what is due (F16); `None`:
    /// nobody is told. Who may read the other stream must not read this one (N4).
    pub notifier_stream: Option<String>,
    /// Copies that a cluster keeps of the stream when the relay creates it: 1 to 5.
    pub replicas: usize,
    /// How long the stream remembers message ids when the relay creates it. A help to other tools only: the relay
    /// does not rest on it.
    pub duplicate_window: Duration,
    /// Messages sent and not yet acknowledged, at most: 1 to 2,000.
    pub in_flight: usize,
    /// How long to wait for an acknowledgement or an answer before the connection is given up.
    pub ack_timeout: Duration,
    /// How long to wait for a connection, each server.
    pub connect_timeout: Duration,
    /// The first pause before the next attempt. Each further one is twice as long, less up to a half by chance.
    pub retry_first: Duration,
    /// The longest pause before the next attempt.
    pub retry_longest: Duration,
    /// How often a relay with nothing to send looks whether the stream is still there.
    pub check_interval: Duration,
    /// A small file that remembers across restarts how far was published, so that a replay into a recreated stream is
    /// marked as one. `None` remembers in memory only.
    pub watermark: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            servers: DEFAULT_SERVER.parse().into_iter().collect(),
            auth: Auth::None,
            tls: Tls::default(),
            stream: None,
            notifier_stream: None,
            replicas: 1,
            duplicate_window: Duration::from_secs(120),
            in_flight: 1_000,
            ack_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            retry_first: Duration::from_millis(100),
            retry_longest: Duration::from_secs(15),
            check_interval: Duration::from_secs(30),
            watermark: None,
        }
    }
}

const DEFAULT_SERVER: &str = "nats://127.0.0.1:4222";

/// The client holds some 2,000 messages for a socket that does not take them; with more in flight, sending would block.
const IN_FLIGHT_MAX: usize = 2_000;

impl Options {
    /// Refuses what can't work for that ledger, before anything is connected.
    pub(super) fn check(&self, ledger: &[u8; 16]) -> Result<(), RelayError> {
        let refuse = |setting, value: String, rule| {
            Err(RelayError::Option {
                setting,
                value,
                rule,
            })
        };
        if self.servers.is_empty() {
            return refuse(
                "servers",
                "empty".into(),
                "name at least one server, such as nats://host:4222",
            );
        }
        if !(1..=IN_FLIGHT_MAX).contains(&self.in_flight) {
            return refuse(
                "in_flight",
                self.in_flight.to_string(),
                "1 to 2000 messages",
            );
        }
        if !(1..=5).contains(&self.replicas) {
            return refuse("replicas", self.replicas.to_string(), "1 to 5 copies");
        }
        if self.retry_first.is_zero() || self.retry_longest < self.retry_first {
            let value = format!("{:?} to {:?}", self.retry_first, self.retry_longest);
            return refuse(
                "retry",
                value,
                "the first pause must be positive and the longest not shorter",
            );
        }
        if self.ack_timeout.is_zero()
            || self.connect_timeout.is_zero()
            || self.check_interval.is_zero()
        {
            return refuse(
                "ack_timeout, connect_timeout, check_interval",
                "0 s".into(),
                "each must be positive",
            );
        }
        match &self.notifier_stream {
            Some(name) if !is_stream_name(name) || *name == self.stream_name(ledger) => {
                return refuse(
                    "notifier_stream",
                    format!("{name:?}"),
                    "1 to 255 letters, digits, `-` or `_`, and not the name of the other stream",
                );
            }
            _ => {}
        }
        match &self.stream {
            Some(name) if !is_stream_name(name) => refuse(
                "stream",
                format!("{name:?}"),
                "1 to 255 letters, digits, `-` or `_`",
            ),
            _ => Ok(()),
        }
    }

    /// The stream's name for this ledger.
    pub fn stream_name(&self, ledger: &[u8; 16]) -> String {
        match &self.stream {
            Some(name) => name.clone(),
            None => {
                let [a, b, c, d, ..] = ledger;
                format!("CONSENT_{a:02X}{b:02X}{c:02X}{d:02X}")
            }
        }
    }
}

fn is_stream_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&name.len()) && name.bytes().all(allowed)
}

/// A server's address: `nats://host:port`, `tls://host:port` (encrypted), `ws://` or `wss://`; the port is 4222 if not
/// given. A user and password inside it (`nats://user:password@host`) are taken out at once, because the client would
/// show them; they are used where [`Auth::None`] is set.
#[derive(Clone)]
pub struct Server {
    address: ServerAddr,
    login: Option<(String, Secret)>,
}

impl Server {
    /// Where it is, without user and password.
    pub(super) fn address(&self) -> ServerAddr {
        self.address.clone()
    }

    /// The user and password that stood in the address.
    pub(super) fn login(&self) -> Option<(String, String)> {
        let (user, password) = self.login.as_ref()?;
        Some((user.clone(), password.reveal()))
    }
}

impl FromStr for Server {
    type Err = RelayError;

    fn from_str(text: &str) -> Result<Self, RelayError> {
        let refused = || RelayError::Option {
            setting: "servers",
            // The text may hold a password: what follows the last `@` does not.
            value: text.rsplit('@').next().unwrap_or_default().to_owned(),
            rule: "an address looks like nats://host:4222 or tls://host:4222",
        };
        let parsed: ServerAddr = text.parse().map_err(|_| refused())?;
        let password = percent_decoded(parsed.password().unwrap_or_default());
        let login = match parsed.username() {
            Some(user) => Some((
                percent_decoded(user).ok_or_else(refused)?,
                Secret::new(password.ok_or_else(refused)?),
            )),
            None => None,
        };
        let mut url = parsed.into_inner();
        let without_login = url.set_username("").and_then(|()| url.set_password(None));
        without_login.map_err(|()| refused())?;
        let address = ServerAddr::from_url(url).map_err(|_| refused())?;
        if address.host().is_empty() {
            return Err(refused());
        }
        Ok(Server { address, login })
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            decoded.extend(data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok()?);
            rest = after;
        } else {
            decoded.push(*byte);
        }
    }
    String::from_utf8(decoded).ok()
}

/// Scheme, host and port only.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address.as_url_str())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the relay proves who it is.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all, or by the user and password in the first server's address that has them.
    #[default]
    None,
    /// A `.creds` file (JWT and key), read at each connection, so that it can be renewed.
    CredentialsFile(PathBuf),
    /// An NKey seed (`SU…`).
    NkeySeed(Secret),
    /// A user and a password.
    UserPassword {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Token(Secret),
}

/// How the connection is encrypted. The server's certificate is checked against the system's authorities and `authority`.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Refuse a connection that is not encrypted. `tls://` addresses imply it.
    pub required: bool,
    /// A PEM file with the authority that signed the server's certificate.
    pub authority: Option<PathBuf>,
    /// PEM files of our own certificate and its key, for servers that ask for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Encrypt before the server's first word (`handshake_first` of nats-server 2.10).
    pub first: bool,
}

/// A text that no log, error or `Debug` shows, and that leaves memory with its owner. The NATS client keeps a copy of
/// its own while it lives.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text.
    pub fn new(text: String) -> Self {
        Secret(Zeroizing::new(text))
    }

    pub(super) fn reveal(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t3_no_secret_is_shown() {
        let options = Options {
            servers: vec!["nats://alice:wonder@host:4333".parse().unwrap()],
            auth: Auth::UserPassword {
                user: "bob".into(),
                password: Secret::new("builder".into()),
            },
            ..Options::default()
        };
        let shown = format!("{options:?} {}", options.servers[0]);
        assert!(shown.contains("nats://host:4333"), "{shown}");
        for secret in ["alice", "wonder", "builder"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    const LEDGER: [u8; 16] = [0xab; 16];

    #[test]
    fn f16_the_notifier_has_a_stream_of_its_own_whatever_the_other_is_called() {
        let telling = |stream: Option<&str>, notifier: &str| Options {
            stream: stream.map(str::to_owned),
            notifier_stream: Some(notifier.into()),
            ..Options::default()
        };
        for shared in [
            telling(Some("CONSENT"), "CONSENT"),
            telling(None, "CONSENT_ABABABAB"),
        ] {
            let refused = shared.check(&LEDGER).unwrap_err().to_string();
            assert!(refused.contains("notifier_stream"), "{refused}");
            assert!(refused.contains("not the name of the other"), "{refused}");
        }
        let own = telling(Some("CONSENT"), "CONSENT_ABABABAB");
        assert!(own.check(&LEDGER).is_ok());
    }

    #[test]
    fn what_can_not_work_is_refused_with_its_value() {
        let refused = |options: Options| options.check(&LEDGER).unwrap_err().to_string();
        let none = Options {
            servers: Vec::new(),
            ..Options::default()
        };
        assert!(refused(none).contains("`servers` is empty"));
        let many = Options {
            in_flight: 5_000,
            ..Options::default()
        };
        assert!(refused(many).contains("5000"));
        let dotted = Options {
            stream: Some("a.b".into()),
            ..Options::default()
        };
        assert!(refused(dotted).contains("\"a.b\""));
        assert!(Options::default().check(&LEDGER).is_ok());
        assert!(
            "ftp://alice:wonder@host"
                .parse::<Server>()
                .is_err_and(|e| !e.to_string().contains("wonder"))
        );
    }

    #[test]
    fn the_stream_is_named_after_the_ledger() {
        assert_eq!(
            Options::default().stream_name(&[0xab; 16]),
            "CONSENT_ABABABAB"
        );
    }
}
