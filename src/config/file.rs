//! The configuration file: flat TOML, every key known, every error with its line.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::SETTINGS;
use super::{ConfigError, Source, Value};

/// The settings that the file at `path` holds.
pub fn read(path: &Path) -> Result<BTreeMap<&'static str, Value>, ConfigError> {
    let unreadable = |problem: String| ConfigError::File {
        path: path.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| unreadable(error.to_string()))?;
    let mut values = BTreeMap::new();
    for (key, value) in &table {
        let line = line_of(&text, key);
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .ok_or_else(|| ConfigError::Unknown {
                path: path.to_owned(),
                line,
                key: key.clone(),
                hint: hint(key),
            })?;
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            other => {
                return Err(unreadable(format!(
                    "line {line}: `{key}` must be a text or a whole number, not {}",
                    other.type_str()
                )));
            }
        };
        values.insert(
            setting.key,
            Value {
                text,
                source: Source::File(path.to_owned(), line),
            },
        );
    }
    Ok(values)
}

fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        line.trim_start()
            .trim_start_matches('"')
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with('='))
    };
    text.lines().position(is_key).map_or(1, |at| at + 1)
}

fn hint(key: &str) -> String {
    SETTINGS
        .iter()
        .find(|setting| setting.key.contains(key) || key.contains(setting.key))
        .map(|setting| format!(" (did you mean `{}`?)", setting.key))
        .unwrap_or_default()
}
