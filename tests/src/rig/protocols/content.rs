//! Contents that can be told apart, whole and in part.

/// The content of a number: lines that name it and themselves, so that nothing torn, mixed or cut passes
/// for one. It is never so short that a file system keeps it beside the metadata.
pub fn content(number: u64) -> Vec<u8> {
    let lines = 130 + number * 37 % 500;
    let mut bytes = Vec::new();
    for line in 0..lines {
        bytes.extend(
            format!("content-{number:08} line-{line:08} {:>30}\n", number ^ line).into_bytes(),
        );
    }
    bytes
}

/// The number of a whole content.
pub fn number_of(bytes: &[u8]) -> Option<u64> {
    let word = bytes.strip_prefix(b"content-")?.get(..8)?;
    let number = std::str::from_utf8(word).ok()?.parse().ok()?;
    (content(number) == bytes).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_content_is_one() {
        let bytes = content(7);
        assert_eq!(number_of(&bytes), Some(7));
        assert_eq!(number_of(&bytes[..bytes.len() - 1]), None);
        assert_eq!(number_of(&[]), None);
        let mut torn = bytes.clone();
        torn[4096..4608].fill(0);
        assert_eq!(number_of(&torn), None);
        let mut mixed = content(8);
        mixed[..4096].copy_from_slice(&bytes[..4096]);
        assert_eq!(number_of(&mixed), None);
    }
}
