//! The name that a mistyped one was probably meant to be.

use super::{bare_name, entries};
use crate::nearest::nearest;

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
    let allowed = if word.len() <= 4 { 1 } else { 2 };
    let names = entries()
        .iter()
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()));
    nearest(&word, names, allowed)
}
