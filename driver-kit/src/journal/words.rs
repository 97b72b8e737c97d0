//! Values as words of a line, and back.
//!
//! One declaration of a type ([`words!`] of an enum, [`fields!`] of a struct) is both its writer and
//! its reader. Both name every variant and every field, so that a new one breaks the build.

use super::reading::Flaw;
use staging_core::{Entry, Id, Key, Limits, Tag, Tick, kind::Kind};
use std::fmt::{Display, Write};
use std::str::{FromStr, Split};

/// The first word of the first line.
pub(super) const FORMAT: &str = "staging-journal";
/// Flaw follows it. Another number means that the lines mean something else.
pub(super) const VERSION: &str = "version=1";

/// The first line of a journal file, without its end.
pub fn header(limits: &Limits) -> String {
    let mut line = format!("{FORMAT} {VERSION}");
    limits.write("limits", &mut line);
    line
}

/// An entry as a line, without its end.
pub fn line(entry: &Entry) -> String {
    let mut line = String::new();
    entry.write("", &mut line);
    line
}

/// Flaw can stand in a line.
pub(super) trait Worded: Sized {
    /// Adds itself to a line, as the field of this name.
    fn write(&self, name: &str, line: &mut String);
    /// Takes itself from a line.
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw>;
}

/// The words of a line that were not read yet.
pub(super) struct Words<'a> {
    rest: Split<'a, char>,
}

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Words<'a> {
        Words {
            rest: line.split(' '),
        }
    }

    /// The value of the field that comes next.
    pub(super) fn value(&mut self, name: &'static str) -> Result<&'a str, Flaw> {
        let word = self.rest.next().ok_or(Flaw::EndsBefore(name))?;
        let value = match name {
            "" => Some(word),
            _ => word
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('=')),
        };
        value.ok_or_else(|| unknown(name, word))
    }

    /// Whether the field that comes next has this name and this value.
    fn next_is(&self, name: &str, value: &str) -> bool {
        let next = self.rest.clone().next();
        let word = next.and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
        word == Some(value)
    }

    /// Nothing may follow.
    pub(super) fn end(mut self) -> Result<(), Flaw> {
        match self.rest.next() {
            None => Ok(()),
            Some(word) => Err(Flaw::GoesOn(word.to_owned())),
        }
    }
}

/// Adds one word.
pub(super) fn put(line: &mut String, name: &str, value: impl Display) {
    if !line.is_empty() {
        line.push(' ');
    }
    if !name.is_empty() {
        line.push_str(name);
        line.push('=');
    }
    // A string takes everything that is written to it.
    let _ = write!(line, "{value}");
}

pub(super) fn unknown(name: &'static str, word: &str) -> Flaw {
    let word = word.to_owned();
    Flaw::Unknown { name, word }
}

fn number<T: FromStr>(name: &'static str, word: &str) -> Result<T, Flaw> {
    word.parse().map_err(|_| unknown(name, word))
}

/// An enum: the name of the variant, then its fields. One that the core may add to without breaking
/// others ends in `.. ?`: the word for what is not known here, and which no reader knows.
macro_rules! words {
    ($kind:ident {
        $($variant:ident $({ $($field:ident),+ })? $(( $($item:ident),+ ))?),+ $(, .. $open:tt)?
    }) => {
        impl Worded for $kind {
            fn write(&self, name: &str, line: &mut String) {
                match self {
                    $($kind::$variant $({ $($field),+ })? $(( $($item),+ ))? => {
                        put(line, name, stringify!($variant));
                        $($($field.write(stringify!($field), line);)+)?
                        $($($item.write(stringify!($item), line);)+)?
                    })+
                    $(_ => put(line, name, stringify!($open)),)?
                }
            }
            fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
                Ok(match words.value(name)? {
                    $(stringify!($variant) => {
                        $($(let $field = Worded::read(stringify!($field), words)?;)+)?
                        $($(let $item = Worded::read(stringify!($item), words)?;)+)?
                        $kind::$variant $({ $($field),+ })? $(( $($item),+ ))?
                    })+
                    word => return Err(unknown(name, word)),
                })
            }
        }
    };
}

/// A struct: its fields, whatever it is called where it stands.
macro_rules! fields {
    ($kind:ident { $($field:ident),+ }) => {
        impl Worded for $kind {
            fn write(&self, _: &str, line: &mut String) {
                let $kind { $($field),+ } = self;
                $($field.write(stringify!($field), line);)+
            }
            fn read(_: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
                $(let $field = Worded::read(stringify!($field), words)?;)+
                Ok($kind { $($field),+ })
            }
        }
    };
}

macro_rules! numbers {
    ($($kind:ident)+) => {$(
        impl Worded for $kind {
            fn write(&self, name: &str, line: &mut String) {
                put(line, name, self);
            }
            fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
                number(name, words.value(name)?)
            }
        }
    )+};
}

pub(super) use {fields, words};

numbers!(u8 u32 u64 i32);

impl Worded for Tag {
    fn write(&self, name: &str, line: &mut String) {
        self.0.write(name, line);
    }
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
        Worded::read(name, words).map(Tag)
    }
}

/// What is not said is `none`.
impl<T: Worded> Worded for Option<T> {
    fn write(&self, name: &str, line: &mut String) {
        match self {
            None => put(line, name, "none"),
            Some(value) => value.write(name, line),
        }
    }
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
        match words.next_is(name, "none") {
            true => words.value(name).map(|_| None),
            false => T::read(name, words).map(Some),
        }
    }
}

impl Worded for Tick {
    fn write(&self, name: &str, line: &mut String) {
        match *self {
            Tick::NEVER => put(line, name, "never"),
            Tick(nanos) => put(line, name, nanos),
        }
    }
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
        match words.value(name)? {
            "never" => Ok(Tick::NEVER),
            word => number(name, word).map(Tick),
        }
    }
}

impl Worded for Key {
    fn write(&self, name: &str, line: &mut String) {
        let Key([device, inode]) = self;
        put(line, name, format_args!("{device}:{inode}"));
    }
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
        let word = words.value(name)?;
        let (device, inode) = word.split_once(':').ok_or_else(|| unknown(name, word))?;
        Ok(Key([number(name, device)?, number(name, inode)?]))
    }
}

/// `op3` for the first tenant of a place, `op3.2` for the second, as everywhere.
impl<K: Kind> Worded for Id<K> {
    fn write(&self, name: &str, line: &mut String) {
        put(line, name, format_args!("{self:?}"));
    }
    fn read(name: &'static str, words: &mut Words<'_>) -> Result<Self, Flaw> {
        let word = words.value(name)?;
        let read = || {
            let place = word.strip_prefix(K::WORD)?;
            let (index, generation) = place.split_once('.').unwrap_or((place, "1"));
            let (index, generation): (u32, u32) = (index.parse().ok()?, generation.parse().ok()?);
            Id::from_u64(u64::from(generation) << 32 | u64::from(index))
        };
        read().ok_or_else(|| unknown(name, word))
    }
}
