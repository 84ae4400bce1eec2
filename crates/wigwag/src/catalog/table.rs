//! Reads `numbers.txt`, once.

use std::sync::OnceLock;

use crate::DefaultAction;

/// One row: a name and its number and action on each system.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) cells: Vec<Option<Cell>>,
}

/// A number and its default action; none where the table has a question mark.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) number: i32,
    pub(super) action: Option<DefaultAction>,
}

/// The columns' names and the rows.
pub(super) struct Table {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

const TEXT: &str = include_str!("numbers.txt");

pub(super) fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(TEXT))
}

/// A line that is not as the head of the file says is left out; the tests below see that there is none.
fn parse(text: &'static str) -> Table {
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let columns = lines
        .next()
        .map(|head| head.split_whitespace().skip(1).collect())
        .unwrap_or_default();
    let rows = lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(Row {
                name: words.next()?,
                cells: words.map(cell).collect(),
            })
        })
        .collect();
    Table { columns, rows }
}

fn cell(word: &str) -> Option<Cell> {
    let (digits, letter) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let action = match letter {
        "T" => Some(DefaultAction::Terminate),
        "A" => Some(DefaultAction::CoreDump),
        "I" => Some(DefaultAction::Ignore),
        "S" => Some(DefaultAction::Stop),
        "C" => Some(DefaultAction::Continue),
        _ => None,
    };
    Some(Cell {
        number: digits.parse().ok()?,
        action,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_full() {
        let lines: Vec<_> = TEXT
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
            .collect();
        let table = table();
        assert_eq!(table.rows.len(), lines.len() - 1);
        for (row, line) in table.rows.iter().zip(&lines[1..]) {
            let words: Vec<_> = line.split_whitespace().skip(1).collect();
            assert_eq!(words.len(), table.columns.len(), "{line}");
            for (cell, word) in row.cells.iter().zip(words) {
                assert_eq!(cell.is_none(), word == "-", "{line}");
                assert!(
                    word == "-" || word.ends_with(['T', 'A', 'I', 'S', 'C', '?']),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn every_name_has_facts() {
        for row in &table().rows {
            assert!(super::super::entry(row.name).is_some(), "{}", row.name);
        }
        for entry in super::super::entries() {
            assert!(
                table().rows.iter().any(|row| row.name == entry.name),
                "{}",
                entry.name
            );
        }
    }
}
