//! Names from standard input: bytes up to a line's end or a NUL, whatever their encoding.

use std::ffi::OsString;
use std::io::{self, BufRead, Error, ErrorKind, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// No system takes a longer path; a longer "name" is something else than a list.
const LONGEST: u64 = 1 << 16;

/// Reads names until the list ends. Empty ones are passed over.
pub(crate) struct Names<R> {
    input: R,
    end: u8,
}

impl<R: BufRead> Names<R> {
    /// Names that end with a NUL, or with a line's end.
    pub(crate) const fn new(input: R, null: bool) -> Names<R> {
        let end = if null { b'\0' } else { b'\n' };
        Names { input, end }
    }

    fn read(&mut self) -> io::Result<Option<PathBuf>> {
        loop {
            let mut name = Vec::new();
            let read = (&mut self.input)
                .take(LONGEST)
                .read_until(self.end, &mut name)?;
            if read == 0 {
                return Ok(None);
            }
            if name.last() == Some(&self.end) {
                name.pop();
            } else if read as u64 == LONGEST {
                return Err(Error::new(ErrorKind::InvalidData, "a name has no end"));
            }
            if name.contains(&0) {
                let advice = "a name holds a NUL byte; read such a list with --null";
                return Err(Error::new(ErrorKind::InvalidData, advice));
            }
            if !name.is_empty() {
                return Ok(Some(OsString::from_vec(name).into()));
            }
        }
    }
}

impl<R: BufRead> Iterator for Names<R> {
    type Item = io::Result<PathBuf>;

    fn next(&mut self) -> Option<io::Result<PathBuf>> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Names};
    use std::os::unix::ffi::OsStrExt;

    fn names(list: &[u8], null: bool) -> Vec<Option<Vec<u8>>> {
        let bytes = |path: std::path::PathBuf| path.as_os_str().as_bytes().to_vec();
        Names::new(list, null)
            .map(|name| name.ok().map(bytes))
            .collect()
    }

    #[test]
    fn names_are_bytes_between_ends() {
        let some = |name: &[u8]| Some(name.to_vec());
        assert_eq!(
            names(b"a\n\nb c\xff", false),
            [some(b"a"), some(b"b c\xff")]
        );
        assert_eq!(names(b"a\nb\0\0c\0", true), [some(b"a\nb"), some(b"c")]);
        assert_eq!(names(b"", false), []);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert_eq!(names(b"a\0b\0", false), [None]);
        let endless = vec![b'x'; LONGEST as usize];
        assert_eq!(names(&endless, false), [None]);
    }
}
