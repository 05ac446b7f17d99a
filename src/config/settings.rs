//! Every setting: the one list that the file, the environment, `config` and the docs follow.

/// A setting's name, as everybody may write it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// In the file.
    pub key: &'static str,
    /// In the environment.
    pub variable: &'static str,
    /// On the command line; empty where there is none.
    pub flag: &'static str,
    /// Where it isn't set.
    pub default: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
}

/// Every setting, in the order in which it is shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data",
        "CONSENT_LEDGER_DATA",
        "--data",
        "data",
        "the data folder",
    ),
    setting(
        "listen",
        "CONSENT_LEDGER_LISTEN",
        "--listen",
        "127.0.0.1:7400",
        "gRPC address; loopback until TLS and caller identity exist",
    ),
    setting(
        "metrics",
        "CONSENT_LEDGER_METRICS",
        "--metrics",
        "127.0.0.1:7401",
        "Prometheus address, or `off`",
    ),
    setting(
        "nats_url",
        "CONSENT_LEDGER_NATS_URL",
        "--nats",
        "nats://127.0.0.1:4222",
        "NATS server, or `off`",
    ),
    setting(
        "nats_stream",
        "CONSENT_LEDGER_NATS_STREAM",
        "",
        "",
        "JetStream stream; empty: CONSENT_ and the start of the ledger id",
    ),
    setting(
        "nats_notifier_stream",
        "CONSENT_LEDGER_NATS_NOTIFIER_STREAM",
        "",
        "",
        "JetStream stream that tells which account changes customers must be told of; empty: none",
    ),
    setting(
        "nats_credentials",
        "CONSENT_LEDGER_NATS_CREDENTIALS",
        "",
        "",
        "NATS credentials file",
    ),
    setting(
        "nats_ca",
        "CONSENT_LEDGER_NATS_CA",
        "",
        "",
        "PEM file of the authority that signs the NATS server's certificate",
    ),
    setting(
        "rulebook",
        "CONSENT_LEDGER_RULEBOOK",
        "--rulebook",
        "",
        "rulebook file, or a name: `default` (the policy that ships with the program; also if empty), `fcc` (the FCC baseline)",
    ),
    setting(
        "origin",
        "CONSENT_LEDGER_ORIGIN",
        "",
        "consent-ledger.local",
        "name under which a new ledger's checkpoints are signed",
    ),
    setting(
        "controller_name",
        "CONSENT_LEDGER_CONTROLLER_NAME",
        "",
        "",
        "the company, as consent receipts name it; empty: no receipts are given",
    ),
    setting(
        "controller_contact",
        "CONSENT_LEDGER_CONTROLLER_CONTACT",
        "",
        "",
        "receipts: the person or office to turn to",
    ),
    setting(
        "controller_address",
        "CONSENT_LEDGER_CONTROLLER_ADDRESS",
        "",
        "",
        "receipts: the company's postal address",
    ),
    setting(
        "controller_email",
        "CONSENT_LEDGER_CONTROLLER_EMAIL",
        "",
        "",
        "receipts: its e-mail address",
    ),
    setting(
        "controller_phone",
        "CONSENT_LEDGER_CONTROLLER_PHONE",
        "",
        "",
        "receipts: its telephone number",
    ),
    setting(
        "controller_policy_url",
        "CONSENT_LEDGER_CONTROLLER_POLICY_URL",
        "",
        "",
        "receipts: where its policy is posted",
    ),
    setting(
        "controller_jurisdiction",
        "CONSENT_LEDGER_CONTROLLER_JURISDICTION",
        "",
        "US",
        "receipts: whose law it is",
    ),
    setting(
        "controller_storage",
        "CONSENT_LEDGER_CONTROLLER_STORAGE",
        "",
        "US",
        "receipts: where the data are stored",
    ),
    setting(
        "queue_commands",
        "CONSENT_LEDGER_QUEUE_COMMANDS",
        "",
        "8192",
        "commands that may wait; more are refused",
    ),
    setting(
        "secrets_at_once",
        "CONSENT_LEDGER_SECRETS_AT_ONCE",
        "",
        "1",
        "passwords that are hashed or compared at a time; each takes a core and 19 MiB",
    ),
    setting(
        "request_window_days",
        "CONSENT_LEDGER_REQUEST_WINDOW_DAYS",
        "",
        "30",
        "days for which request ids are remembered",
    ),
    setting(
        "cache_customers",
        "CONSENT_LEDGER_CACHE_CUSTOMERS",
        "",
        "100000",
        "customers kept in memory",
    ),
    setting(
        "unwritten_changes",
        "CONSENT_LEDGER_UNWRITTEN_CHANGES",
        "",
        "150000",
        "changed customers in memory that start a write of the state view; eight request ids count as one",
    ),
    setting(
        "unwritten_records",
        "CONSENT_LEDGER_UNWRITTEN_RECORDS",
        "",
        "200000",
        "records in memory that start a write of the history view",
    ),
    setting(
        "tail_mib",
        "CONSENT_LEDGER_TAIL_MIB",
        "",
        "64",
        "size of a new log's tail file",
    ),
    setting(
        "log_cache_mib",
        "CONSENT_LEDGER_LOG_CACHE_MIB",
        "",
        "64",
        "memory of the log's store",
    ),
    setting(
        "view_cache_mib",
        "CONSENT_LEDGER_VIEW_CACHE_MIB",
        "",
        "8",
        "memory of each view's store",
    ),
    setting(
        "checkpoint_seconds",
        "CONSENT_LEDGER_CHECKPOINT_SECONDS",
        "",
        "1",
        "at most one checkpoint is written in that time",
    ),
    setting(
        "log",
        "CONSENT_LEDGER_LOG",
        "--log",
        "info,async_nats=off",
        "log filter, e.g. `info,consent_ledger::relay=debug`",
    ),
    setting(
        "log_format",
        "CONSENT_LEDGER_LOG_FORMAT",
        "--log-format",
        "text",
        "`text` for people, `json` for machines",
    ),
];

const fn setting(
    key: &'static str,
    variable: &'static str,
    flag: &'static str,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting {
        key,
        variable,
        flag,
        default,
        about,
    }
}
