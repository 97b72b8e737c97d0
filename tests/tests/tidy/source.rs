//! Telling code from prose, and one word from another.

/// The text with comments, strings and characters blanked out; lines stay where they are.
pub(crate) fn code(text: &str) -> String {
    let (mut code, mut rest, mut before) = (String::new(), text, ' ');
    while let Some(next) = rest.chars().next() {
        let prose = prose_length(rest, before).min(rest.len());
        code.extend(
            rest[..prose]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[prose..];
        if prose == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        }
        before = next;
    }
    code
}

/// How many bytes at the start are a comment, a string or a character; 0 for code.
fn prose_length(rest: &str, before: char) -> usize {
    let up_to = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    let raw = rest
        .strip_prefix("br")
        .or(rest.strip_prefix('r'))
        .filter(|_| !in_name(before));
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        let (mut depth, mut at) = (1, 2);
        while depth > 0 && at < rest.len() {
            let opens = rest.as_bytes()[at..].starts_with(b"/*");
            let closes = rest.as_bytes()[at..].starts_with(b"*/");
            depth = depth + usize::from(opens) - usize::from(closes);
            at += if opens || closes { 2 } else { 1 };
        }
        return at;
    }
    if let Some(quote) = raw
        .map(|raw| raw.trim_start_matches('#'))
        .filter(|raw| raw.starts_with('"'))
    {
        let opening = rest.len() - quote.len();
        let end = format!("\"{}", "#".repeat(rest[..opening].matches('#').count()));
        return up_to(&end, opening + 1);
    }
    if rest.starts_with('"') {
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        return end.map_or(rest.len(), |at| at + 2);
    }
    match rest
        .strip_prefix('\'')
        .map(|tail| (tail, tail.chars().next().map_or(0, char::len_utf8)))
    {
        Some((tail, _)) if tail.starts_with('\\') => up_to("'", 3.min(rest.len())),
        Some((tail, one)) if tail[one..].starts_with('\'') => one + 2,
        _ => 0,
    }
}

pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.split(|c| !in_name(c)).any(|found| found == word)
}

pub(crate) fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Rules that look only at code must not be misled by prose, strings and characters.
#[test]
fn code_is_told_from_prose() {
    let text = "a /* b /* c */ d */ e \"f \\\" g\" h r#\"i \" j\"# k '\"' l 'm n' // o\np";
    let words: Vec<_> = code(text).split_whitespace().map(String::from).collect();
    assert_eq!(words, ["a", "e", "h", "k", "l", "'m", "n'", "p"]);
    assert_eq!(code(text).lines().count(), text.lines().count());
}
