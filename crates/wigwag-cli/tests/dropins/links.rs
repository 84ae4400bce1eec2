//! `wigwag links`.

use crate::compare::folder;

#[test]
fn every_name_is_a_link_to_the_command() {
    let listed = crate::compare::wigwag(&["links", "--list"]);
    for name in listed
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let link = folder().join(name);
        assert_eq!(
            link.read_link().unwrap(),
            std::path::Path::new(env!("CARGO_BIN_EXE_wigwag"))
        );
    }
}
