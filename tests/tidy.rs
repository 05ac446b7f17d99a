//! What a reviewer should not have to say twice: size of files, names, leftovers, stray characters and paths.

#![allow(clippy::unwrap_used, reason = "what can't be read fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lines that a file under `src/` may have, tests included.
const LINES_MAX: usize = 500;

/// Files that are longer, with the length that they have now. An entry may only shrink: lower it when the file gets
/// shorter, remove it when the file fits. A new entry needs its reason beside it.
const LONGER: &[(&str, usize)] = &[];

/// Names that say nothing about what a module is for.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "shared",
    "types",
];

/// Work that was left for later. Written in halves, so that this file doesn't hold them.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("unimple", "mented!"),
    concat!("to", "do!"),
    concat!("dbg", "!("),
];

/// Folders of somebody's machine. The crate must not know where it was built or tested.
const MACHINE_FOLDERS: &[&str] = &[
    concat!("/wo", "rk"),
    concat!("/ro", "ot"),
    concat!("/ho", "me"),
    concat!("/t", "mp"),
];

/// Endings of files that are text and end with a newline. Golden files are exact bytes and stay out.
const TEXT: &[&str] = &[
    "rs", "md", "toml", "lock", "proto", "yaml", "yml", "conf", "service", "sysusers",
];

#[test]
fn source_files_fit_a_reader() {
    let mut faults = Vec::new();
    for file in source_files() {
        let lines = file.text.lines().count();
        match LONGER.iter().find(|(path, _)| *path == file.path) {
            None if lines > LINES_MAX => faults.push(format!(
                "{}: {lines} lines; {LINES_MAX} at most: split it",
                file.path
            )),
            Some((_, now)) if lines > *now => faults.push(format!(
                "{}: {lines} lines; it had {now} and may only shrink: split it",
                file.path
            )),
            Some(_) if lines <= LINES_MAX => faults.push(format!(
                "{}: {lines} lines; it fits now: take it off the list",
                file.path
            )),
            _ => {}
        }
    }
    for (path, _) in LONGER {
        if !root().join(path).exists() {
            faults.push(format!("{path}: is gone: take it off the list"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn source_files_hold_no_leftovers() {
    let mut faults = Vec::new();
    for file in source_files() {
        for (number, line) in file.text.lines().enumerate() {
            for word in LEFTOVERS.iter().filter(|word| names(line, word)) {
                faults.push(format!("{}:{}: `{word}`", file.path, number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn modules_are_named_after_what_they_are_for() {
    let faults: Vec<_> = source_files()
        .into_iter()
        .filter(|file| {
            let parts = file.path.trim_end_matches(".rs").split('/');
            parts.into_iter().any(|part| EMPTY_NAMES.contains(&part))
        })
        .map(|file| file.path)
        .collect();
    assert!(
        faults.is_empty(),
        "these names say nothing: {}",
        faults.join(", ")
    );
}

#[test]
fn text_holds_no_control_characters_and_ends_with_a_newline() {
    let mut faults = Vec::new();
    for file in tracked_files() {
        for (number, line) in file.text.split('\n').enumerate() {
            if let Some(found) = line.chars().find(|letter| is_hidden(*letter)) {
                faults.push(format!(
                    "{}:{}: hidden character U+{:04X}",
                    file.path,
                    number + 1,
                    u32::from(found)
                ));
            }
        }
        let ending = Path::new(&file.path).extension();
        let is_text = ending.is_none_or(|ending| TEXT.iter().any(|text| ending == *text));
        if is_text && !file.text.is_empty() && !file.text.ends_with('\n') {
            faults.push(format!("{}: no newline at its end", file.path));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_merge_was_left_half_done() {
    let mut faults = Vec::new();
    for file in tracked_files() {
        for (number, line) in file.text.lines().enumerate() {
            if line.starts_with(concat!("<<<<", "<<< "))
                || line.starts_with(concat!(">>>>", ">>> "))
            {
                faults.push(format!("{}:{}: {line}", file.path, number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_names_a_folder_of_a_machine() {
    let mut faults = Vec::new();
    for file in tracked_files() {
        for (number, line) in file.text.lines().enumerate() {
            for folder in MACHINE_FOLDERS.iter().filter(|folder| names(line, folder)) {
                faults.push(format!("{}:{}: `{folder}`", file.path, number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn u4_links_in_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for file in tracked_files() {
        if !file.path.ends_with(".md") {
            continue;
        }
        let folder = root().join(&file.path);
        let folder = folder.parent().unwrap();
        for rest in file.text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            let is_elsewhere = target.is_empty() || target.contains("://");
            if !is_elsewhere && !folder.join(target).exists() {
                faults.push(format!("{}: `{target}` is not there", file.path));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

struct TextFile {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source_files() -> Vec<TextFile> {
    let mut files = tracked_files();
    files.retain(|file| file.path.starts_with("src/") && file.path.ends_with(".rs"));
    assert!(!files.is_empty(), "no source file was found");
    files
}

/// Every text file of the repository: what git knows or would add, or, outside a repository, all but build output.
fn tracked_files() -> Vec<TextFile> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success());
    let paths = match listed {
        Some(output) => String::from_utf8(output.stdout)
            .unwrap()
            .split_terminator('\0')
            .map(PathBuf::from)
            .collect(),
        None => walk(root()),
    };
    paths
        .into_iter()
        .filter_map(|path| {
            // A file that is not UTF-8 is no text, and one deleted a moment ago is no file.
            let text = String::from_utf8(fs::read(root().join(&path)).ok()?).ok()?;
            let path = path.to_str()?.to_owned();
            (!text.contains('\0')).then_some(TextFile { path, text })
        })
        .collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(root()).unwrap().to_owned();
        if path.is_dir() {
            if !["target", "data", ".git"]
                .iter()
                .any(|out| inside == Path::new(out))
            {
                files.extend(walk(&path));
            }
        } else {
            files.push(inside);
        }
    }
    files
}

/// Whether `line` has `word` as a word of its own: not as part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_open = word.ends_with(|last| !is_part(last));
        !before.is_some_and(|letter| is_part(letter) || letter == '.' || letter == '-')
            && (ends_open || !after.is_some_and(is_part))
    })
}

/// Control characters, and those that change a text's order or are not seen at all.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}
