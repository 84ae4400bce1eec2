//! What `wigwag` alone prints.

use crate::output::cut;
use crate::verbs::VERBS;

/// The verbs, grouped, one line each.
pub fn text(width: Option<usize>) -> String {
    let width = width.unwrap_or(80).max(40);
    let mut text = String::from(
        "wigwag finds processes, says what a signal would do to them, sends it,\nand shows what it did.\n",
    );
    text.push_str("\nUsage: wigwag VERB [WORDS] [OPTIONS]\n");
    let mut group = "";
    for verb in VERBS {
        if verb.group != group {
            group = verb.group;
            text.push_str(&format!("\n{group}\n"));
        }
        text.push_str(&cut(&format!("  {:<12} {}", verb.name, verb.about), width));
        text.push('\n');
    }
    text.push_str(
        "\n\
         First steps\n  \
         wigwag show 4242              what would happen to process 4242?\n  \
         wigwag send HUP nginx         signal all that are named nginx\n  \
         wigwag stop port:8080         end whoever listens there\n  \
         wigwag stop nginx --dry-run   what would that do?\n\
         \n\
         `wigwag VERB --help` says more about each, with examples.\n",
    );
    text
}

/// The message for a word that is no verb.
pub fn unknown(word: &str) -> String {
    let near = VERBS
        .iter()
        .map(|verb| (distance(word, verb.name), verb.name))
        .min();
    match near {
        Some((steps, name)) if steps <= 2 && steps < name.len() => {
            format!("no verb {word}: did you mean {name}?")
        }
        _ if word.parse::<wigwag::Signal>().is_ok() || word.parse::<i32>().is_ok() => {
            format!(
                "no verb {word}: to send a signal write `wigwag send`; `wigwag` lists the verbs"
            )
        }
        _ => format!("no verb {word}: `wigwag` lists them"),
    }
}

/// How many letters must be changed, added, left out or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let mut best = (rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1)
                    .min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_verb_is_guessed() {
        assert_eq!(unknown("sned"), "no verb sned: did you mean send?");
        assert_eq!(unknown("stpo"), "no verb stpo: did you mean stop?");
        assert_eq!(unknown("xyzzy"), "no verb xyzzy: `wigwag` lists them");
        assert!(unknown("TERM").contains("wigwag send"));
        assert!(unknown("").contains("lists them"));
    }

    #[test]
    fn the_overview_fits_eighty_columns() {
        for width in [Some(80), Some(200), None] {
            let text = text(width);
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
    }
}
