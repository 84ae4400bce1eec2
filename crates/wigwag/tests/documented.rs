//! Every public function has an example.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};

fn sources(of: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(of).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What is public there is so for the crate alone, or handed on by name with an example.
            if path.file_name().is_some_and(|name| name != "sys") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

fn name(line: &str) -> Option<&str> {
    let mut line = line.trim_start().strip_prefix("pub ")?;
    for word in ["const ", "async ", "unsafe "] {
        line = line.strip_prefix(word).unwrap_or(line);
    }
    let rest = line.strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

#[test]
fn every_public_function_has_an_example() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let (mut seen, mut without) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = name(line) else { continue };
            let mut above = lines[..at].iter().rev().map(|line| line.trim_start());
            let documented = above
                .by_ref()
                .take_while(|line| line.starts_with("///") || line.starts_with("#["))
                .any(|line| line == "/// ```");
            seen += 1;
            if !documented {
                without.push(format!("{}:{}: {name}", file.display(), at + 1));
            }
        }
    }
    assert!(seen > 200, "{seen} functions were found");
    assert!(without.is_empty(), "{without:#?}");
}
