//! The figures, as JSON or as a table.

use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Map, Value, json};

/// One workload's figures.
#[derive(Clone, Debug)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub ours: f64,
    pub ceiling: Option<f64>,
    /// Whether less is better: the ratio is then ours to ceiling all the same.
    pub also: Map<String, Value>,
}

impl Figure {
    pub fn new(name: impl Into<String>, unit: &'static str, ours: f64, ceiling: f64) -> Self {
        Self {
            name: name.into(),
            unit,
            ours,
            ceiling: Some(ceiling),
            also: Map::new(),
        }
    }

    pub fn alone(name: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self {
            name: name.into(),
            unit,
            ours,
            ceiling: None,
            also: Map::new(),
        }
    }

    #[must_use]
    pub fn and(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.also.insert(name.to_owned(), value.into());
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.ceiling
            .filter(|ceiling| *ceiling > 0.0)
            .map(|ceiling| self.ours / ceiling)
    }
}

#[derive(Debug, Default)]
pub struct Report(Vec<Figure>);

impl Report {
    pub fn add(&mut self, figure: Figure) {
        super::output::progress_note(&format!("{}: {}", figure.name, short(figure.ours)));
        self.0.push(figure);
    }

    pub fn json(&self) -> Value {
        let figures = self.0.iter().map(|figure| {
            let mut value = json!({
                "ours": rounded(figure.ours),
                "ceiling": figure.ceiling.map(rounded),
                "ratio": figure.ratio().map(rounded),
                "unit": figure.unit,
            });
            if let Some(object) = value.as_object_mut() {
                object.extend(figure.also.clone());
            }
            (figure.name.clone(), value)
        });
        Value::Object(figures.collect())
    }

    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["workload", "ours", "ceiling", "ratio", "unit", "also"]);
        for figure in &self.0 {
            let also: Vec<String> = figure
                .also
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            table.add_row([
                figure.name.clone(),
                short(figure.ours),
                figure.ceiling.map(short).unwrap_or_default(),
                figure
                    .ratio()
                    .map(|ratio| format!("{ratio:.2}"))
                    .unwrap_or_default(),
                figure.unit.to_owned(),
                also.join(", "),
            ]);
        }
        table.to_string()
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 10_000.0).round() / 10_000.0
}

fn short(figure: f64) -> String {
    if figure >= 1_000.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.3}")
    }
}

/// Rate and latencies of one measurement.
#[derive(Clone, Debug)]
pub struct Measured {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl Measured {
    /// From every call's latency over `elapsed`.
    pub fn of(mut latencies: Vec<Duration>, elapsed: Duration) -> Self {
        latencies.sort_unstable();
        let at = |part: f64| {
            let index = (latencies.len().saturating_sub(1)) as f64 * part;
            latencies.get(index as usize).copied().unwrap_or_default()
        };
        Self {
            per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
            p50: at(0.50),
            p99: at(0.99),
        }
    }
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}
