//! The name that a mistyped one was probably meant to be.

use super::{bare_name, entries};

/// The nearest name or alias in the catalogue: at most two slips (a letter wrong, missing, too many, or two swapped),
/// one for words of up to four. None where nothing is near.
///
/// ```
/// use wigwag::catalog::suggest;
/// assert_eq!(suggest("TREM"), Some("TERM"));
/// assert_eq!(suggest("sighpu"), Some("HUP"));
/// assert_eq!(suggest("banana"), None);
/// ```
#[must_use]
pub fn suggest(word: &str) -> Option<&'static str> {
    let word = bare_name(word);
    if word.is_empty() {
        return None;
    }
    let allowed = if word.len() <= 4 { 1 } else { 2 };
    entries()
        .iter()
        .flat_map(|e| std::iter::once(e.name).chain(e.aliases.iter().copied()))
        .map(|name| (distance(word.as_bytes(), name.as_bytes()), name))
        .filter(|(d, name)| *d <= allowed && *d < name.len().max(2))
        .min_by_key(|(d, name)| (*d, name.as_bytes().first() != word.as_bytes().first()))
        .map(|(_, name)| name)
}

/// The number of slips between two words (optimal string alignment).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
