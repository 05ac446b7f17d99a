//! What must hold in the deployment files whatever tools are there (O2). `deploy/check` runs the tools themselves.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what can't be read fails the test"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use saphyr::{LoadableYamlNode, Yaml};

#[test]
fn o2_every_yaml_and_toml_file_parses() {
    let mut seen = 0;
    for path in files("deploy").into_iter().chain(files("proto")) {
        let text = || fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("yaml" | "yml") => {
                let parsed = Yaml::load_from_str(&text());
                assert!(
                    parsed.is_ok(),
                    "{}: {}",
                    path.display(),
                    parsed.unwrap_err()
                );
                seen += 1;
            }
            Some("toml") => {
                let parsed = toml::from_str::<toml::Table>(&text());
                assert!(
                    parsed.is_ok(),
                    "{}: {}",
                    path.display(),
                    parsed.unwrap_err()
                );
                seen += 1;
            }
            _ => {}
        }
    }
    assert!(seen >= 5, "only {seen} files were found");
}

#[test]
fn t1_compose_publishes_ports_on_loopback_only() {
    let text = read("deploy/compose.yaml");
    let services = services(&text);
    let mut published = 0;
    for (name, service) in &services {
        for port in list(service, "ports") {
            assert!(
                port.starts_with("127.0.0.1:"),
                "service `{name}` publishes `{port}` beyond this machine"
            );
            published += 1;
        }
    }
    assert!(published > 0, "no published port was found");
}

#[test]
fn t1_all_containers_share_the_one_network_on_which_the_ledger_is_loopback() {
    let text = read("deploy/compose.yaml");
    for (name, service) in services(&text) {
        let mode = text_of(&service, "network_mode");
        if name == "network" {
            assert_eq!(mode, None, "`network` owns the network that others share");
        } else {
            assert_eq!(
                mode,
                Some("service:network"),
                "service `{name}` can't reach the ledger's loopback"
            );
        }
    }
}

#[test]
fn o2_images_are_pinned_and_containers_confined() {
    let text = read("deploy/compose.yaml");
    for (name, service) in services(&text) {
        let image = text_of(&service, "image").unwrap();
        let built_here = service.as_mapping_get("build").is_some();
        assert!(
            built_here || is_pinned(image),
            "service `{name}`: image `{image}` is not pinned"
        );
        assert_eq!(list(&service, "cap_drop"), ["ALL"], "service `{name}`");
        assert_eq!(
            list(&service, "security_opt"),
            ["no-new-privileges:true"],
            "service `{name}`"
        );
        assert_eq!(
            service
                .as_mapping_get("read_only")
                .and_then(|value| value.as_bool()),
            Some(true),
            "service `{name}` may write outside its volumes"
        );
    }
    let dockerfile = read("deploy/Dockerfile");
    for base in directives(&dockerfile, "FROM ") {
        let image = base.split_whitespace().next().unwrap();
        assert!(is_pinned(image), "base image `{image}` is not pinned");
    }
}

#[test]
fn o2_the_image_runs_as_an_ordinary_user_with_a_volume_and_a_health_check() {
    let dockerfile = read("deploy/Dockerfile");
    let user = directives(&dockerfile, "USER ").pop().unwrap();
    let uid = user.split(':').next().unwrap().parse::<u32>();
    assert!(
        uid.is_ok_and(|uid| uid > 0),
        "the image runs as user `{user}`"
    );
    assert_eq!(
        directives(&dockerfile, "VOLUME "),
        ["/var/lib/consent-ledger"]
    );
    assert_eq!(directives(&dockerfile, "HEALTHCHECK ").len(), 1);
}

#[test]
fn o2_jetstream_is_durable_when_it_acknowledges_and_asks_who_is_there() {
    let conf = read("deploy/nats.conf");
    assert_eq!(directives(&conf, "sync_interval: "), ["always"]);
    assert_eq!(directives(&conf, "authorization ").len(), 1);
    for password in directives(&conf, "password: ") {
        assert!(
            password.starts_with('$'),
            "a password stands in deploy/nats.conf"
        );
    }
    assert!(directives(&conf, "no_auth_user").is_empty());
}

#[test]
fn o2_the_unit_is_hardened_and_lets_the_ledger_end_in_order() {
    let unit = read("deploy/consent-ledger.service");
    let lines: BTreeSet<_> = unit.lines().collect();
    for line in [
        "User=consent-ledger",
        "UMask=0077",
        "StateDirectory=consent-ledger",
        "StateDirectoryMode=0700",
        "KillSignal=SIGTERM",
        "KillMode=mixed",
        "Restart=on-failure",
        "LimitCORE=0",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "SocketBindDeny=any",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "ProtectProc=invisible",
        "ProtectClock=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "PrivateUsers=yes",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "MemoryDenyWriteExecute=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
    ] {
        assert!(lines.contains(line), "the unit lost `{line}`");
    }
    let stop = directives(&unit, "TimeoutStopSec=");
    assert!(
        stop.iter()
            .any(|time| time.parse::<u32>().is_ok_and(|time| time >= 30)),
        "the unit leaves too little time to stop: {stop:?}"
    );
}

#[test]
fn o1_the_example_configuration_is_the_one_that_the_unit_reads_and_holds_no_secret() {
    let unit = read("deploy/consent-ledger.service");
    let command = directives(&unit, "ExecStart=").pop().unwrap();
    assert_eq!(
        command,
        "/usr/bin/consent-ledger serve --config /etc/consent-ledger/consent-ledger.toml"
    );
    let example: toml::Table = toml::from_str(&read("deploy/consent-ledger.toml")).unwrap();
    assert_eq!(example["data"].as_str(), Some("/var/lib/consent-ledger"));
    for address in ["listen", "metrics"] {
        let address = example[address].as_str().unwrap();
        assert!(
            address.starts_with("127.0.0.1:"),
            "`{address}` is not loopback"
        );
    }
    assert!(
        !example["nats_url"].as_str().unwrap().contains('@'),
        "credentials in a file"
    );
}

#[test]
fn o1_every_setting_named_in_deploy_exists() {
    let source = source();
    let mut settings = BTreeSet::new();
    for path in files("deploy") {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        settings.extend(words(&text).filter(|word| word.starts_with("CONSENT_LEDGER_")));
    }
    let example: toml::Table = toml::from_str(&read("deploy/consent-ledger.toml")).unwrap();
    settings.extend(
        example
            .keys()
            .map(|key| format!("CONSENT_LEDGER_{}", key.to_uppercase())),
    );
    assert!(settings.len() >= 6, "found only {settings:?}");
    for setting in settings {
        assert!(
            source.contains(&setting),
            "{setting} is named in deploy/ and nowhere in src/"
        );
    }
}

#[test]
fn o2_every_metric_in_an_alert_exists() {
    let source = source();
    let text = read("deploy/prometheus/alerts.yaml");
    let mut metrics = BTreeSet::new();
    for word in words(&text).filter(|word| word.starts_with("consent_")) {
        // A histogram is one metric in the code and three in the scrape.
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|ending| word.strip_suffix(ending));
        metrics.insert(name.unwrap_or(&word).to_owned());
    }
    assert!(metrics.len() >= 5, "found only {metrics:?}");
    // Without buckets of its own a histogram is published as quantiles, which no alert can sum over instances.
    assert!(
        !text.contains("_bucket") || source.contains("set_buckets"),
        "an alert asks for buckets, and src/ sets none"
    );
    for metric in metrics {
        assert!(
            source.contains(&format!("\"{metric}\"")),
            "an alert asks for `{metric}`, which nothing in src/ measures"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All files below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// The whole of `src/` as one text.
fn source() -> String {
    let texts = files("src")
        .into_iter()
        .map(|path| fs::read_to_string(path).unwrap());
    texts.collect()
}

/// The services of a compose file by name.
fn services(text: &str) -> Vec<(String, Yaml<'_>)> {
    let documents = Yaml::load_from_str(text).unwrap();
    let services = documents[0].as_mapping_get("services").unwrap();
    let services = services.as_mapping().unwrap();
    let named = services
        .iter()
        .map(|(name, service)| (name.as_str().unwrap().to_owned(), service.clone()));
    named.collect()
}

fn text_of<'a>(service: &'a Yaml<'_>, key: &str) -> Option<&'a str> {
    service.as_mapping_get(key)?.as_str()
}

fn list(service: &Yaml<'_>, key: &str) -> Vec<String> {
    let Some(values) = service.as_mapping_get(key) else {
        return Vec::new();
    };
    let values = values.as_vec().unwrap().iter();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// What follows `start` on each line that begins with it, spaces aside.
fn directives<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(start))
        .collect()
}

/// Whether an image names a release, not whatever is the latest.
fn is_pinned(image: &str) -> bool {
    image
        .split_once(':')
        .is_some_and(|(_, tag)| tag.contains(|letter: char| letter.is_ascii_digit()))
}

/// The identifiers in a text.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .map(str::to_owned)
}
