//! Every example is run as a program: what it prints, what real signals do to it, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod descriptors;
mod handling;
mod program;
mod waiting;

/// Every example has a test here, and a line in the table of the README beside it.
#[test]
fn none_is_left_out() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(here.join(path)).unwrap();
    let table = read("examples/README.md");
    let tests = ["descriptors", "handling", "waiting"]
        .map(|name| read(&format!("tests/examples/{name}.rs")));
    let mut count = 0;
    for entry in std::fs::read_dir(here.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let tested = tests
                .iter()
                .any(|text| text.contains(&format!("\"{name}\"")));
            assert!(tested, "{name} has no test");
            assert!(
                table.contains(&format!("({name}.rs)")),
                "{name} is not in README.md"
            );
            count += 1;
        }
    }
    assert!(count > 20, "{count} examples");
}
