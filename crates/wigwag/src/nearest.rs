//! The name that a mistyped one was probably meant to be.

/// The name that is fewest slips away from the word (a letter wrong, missing, too many, or two neighbours swapped), if
/// that is at most `allowed`; of several such the first with the word's first letter, else the first.
///
/// A name is never so near that nothing of it is in the word. Words that are longer or shorter by more than `allowed`
/// are not compared at all, so that one of a megabyte costs nothing.
pub(crate) fn nearest(
    word: &str,
    names: impl Iterator<Item = &'static str>,
    allowed: usize,
) -> Option<&'static str> {
    let length = word.chars().count();
    names
        .filter(|name| name.len().abs_diff(length) <= allowed)
        .map(|name| (strsim::osa_distance(word, name), name))
        .filter(|(slips, name)| *slips <= allowed && *slips < name.len())
        .min_by_key(|(slips, name)| (*slips, name.chars().next() != word.chars().next()))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_fewest_slips_and_then_the_first_letter() {
        let names = || ["IO", "TTIN", "TTOU", "TERM"].into_iter();
        assert_eq!(nearest("TREM", names(), 1), Some("TERM"));
        assert_eq!(nearest("TTI", names(), 1), Some("TTIN"));
        assert_eq!(nearest("XTIU", names(), 2), Some("TTIN"));
        assert_eq!(nearest("SION", names(), 2), None, "nothing of IO is left");
        assert_eq!(nearest("", names(), 2), None);
        let close = || ["KIL", "BILL"].into_iter();
        assert_eq!(nearest("BIL", close(), 1), Some("BILL"));
        assert_eq!(nearest(&"T".repeat(1 << 20), names(), 2), None);
    }
}
