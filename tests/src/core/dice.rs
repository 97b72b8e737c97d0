//! Choices that can be repeated: the same source, the same history.
//!
//! A source is a seed, or bytes that somebody else made up, such as a fuzzer. Bytes are spent one for
//! a choice, so that a changed byte is a changed choice; when they are spent, every choice is the
//! first one, and whoever makes the choices is to come to an end.

/// Where choices come from.
#[derive(Clone, Debug)]
pub struct Dice {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// The state of a xorshift generator. Small, fast, and the same everywhere.
    Seed(u64),
    Bytes {
        bytes: Vec<u8>,
        spent: usize,
    },
}

impl Dice {
    /// The dice of a seed.
    pub fn of(seed: u64) -> Dice {
        let spread = (seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let source = Source::Seed((spread ^ (spread >> 29)) | 1);
        Dice { source }
    }

    /// The dice of somebody who made the choices before.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Dice {
        let bytes = bytes.to_vec();
        let source = Source::Bytes { bytes, spent: 0 };
        Dice { source }
    }

    /// Whether there is nothing to choose any more.
    pub(crate) fn is_spent(&self) -> bool {
        match &self.source {
            Source::Seed(_) => false,
            Source::Bytes { bytes, spent } => *spent >= bytes.len(),
        }
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        match &mut self.source {
            Source::Seed(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d)
            }
            Source::Bytes { .. } => self.spend(8),
        }
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = end.max(1);
        let any = match (&self.source, end) {
            (Source::Seed(_), _) => self.any() >> 33,
            (Source::Bytes { .. }, 1) => 0,
            (Source::Bytes { .. }, ..=256) => self.spend(1),
            (Source::Bytes { .. }, _) => self.spend(4),
        };
        (any as usize) % end
    }

    /// Yes, so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        match percent {
            // Not worth a byte.
            0 if !matches!(self.source, Source::Seed(_)) => false,
            _ => self.below(100) < percent,
        }
    }

    /// One of these, which are not none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The next bytes as a number; what is spent counts as 0.
    fn spend(&mut self, count: usize) -> u64 {
        let Source::Bytes { bytes, spent } = &mut self.source else {
            return 0;
        };
        let rest = bytes.get(*spent..).unwrap_or_default();
        *spent += count;
        let next = rest.iter().take(count);
        next.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_byte_is_a_choice_and_then_every_choice_is_the_first() {
        let mut dice = Dice::of_bytes(&[3, 200, 60, 0, 0, 1, 2, 9]);
        assert_eq!(dice.below(4), 3);
        assert_eq!(dice.below(1), 0, "no choice, no byte");
        assert_eq!(dice.one_of(&[0, 1, 2]), 2);
        assert!(!dice.chance(60) && !dice.chance(0));
        assert_eq!(dice.below(1000), 258);
        assert!(!dice.is_spent());
        assert_eq!(dice.below(256), 9);
        assert!(dice.is_spent());
        assert_eq!((dice.any(), dice.below(7)), (0, 0));
        assert!(!Dice::of(1).is_spent());
    }
}
