//! `config`: what is in force, and why.

use serde_json::json;

use super::{Ended, Global, output, serve};

/// Print the effective configuration and where each value came from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger config
  consent-ledger --config consent-ledger.toml config --listen 127.0.0.1:7500
  consent-ledger config --output json")]
pub struct Arguments {
    #[command(flatten)]
    serve: serve::Arguments,
}

pub fn run(global: &Global, arguments: Arguments) -> Ended {
    let config = match global.load(arguments.serve.flags()) {
        Ok(config) => config,
        Err(error) => return output::fail(Ended::Usage, &error),
    };
    match global.output {
        output::Format::Json => {
            let settings: serde_json::Map<_, _> = config
                .shown()
                .map(|(setting, value, source)| {
                    let shown = json!({
                        "value": value,
                        "source": source.to_string(),
                        "environment": setting.variable,
                    });
                    (setting.key.to_owned(), shown)
                })
                .collect();
            output::json(&settings.into());
        }
        output::Format::Text | output::Format::Csv => {
            let mut table =
                output::drawn(["setting", "value", "from", "environment", "what it is"]);
            for (setting, value, source) in config.shown() {
                let source = source.to_string();
                table.add_row([
                    setting.key,
                    &value,
                    &source,
                    setting.variable,
                    setting.about,
                ]);
            }
            output::line(&table.to_string());
        }
    }
    Ended::Well
}
