//! Chance that can be repeated: the same source, the same throws, on every machine and in every
//! release of this crate.

/// Where throws come from: a seed, or bytes that somebody else made up, such as a fuzzer.
///
/// It is small and fast, and written here rather than taken from elsewhere because a seed must mean
/// the same run for as long as it is noted down somewhere. It is no source of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(Source);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// An xorshift generator (64 bits of state, shifts of 13, 7 and 17, multiplied at the end).
    Seed(u64),
    /// What is left of the bytes, the last one first.
    Bytes(Vec<u8>),
}

impl Dice {
    /// The dice of a seed. Neighbouring seeds have nothing in common.
    pub const fn of(seed: u64) -> Dice {
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Dice(Source::Seed((spread ^ (spread >> 29)) | 1))
    }

    /// The dice of somebody who has thrown before. A throw among few is a byte, so that a changed byte
    /// is a changed throw; when they [are spent](Dice::is_spent), every throw is 0.
    pub fn of_bytes(bytes: &[u8]) -> Dice {
        Dice(Source::Bytes(bytes.iter().rev().copied().collect()))
    }

    /// Whether all bytes are spent. A seed never is.
    pub fn is_spent(&self) -> bool {
        matches!(&self.0, Source::Bytes(left) if left.is_empty())
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        match &mut self.0 {
            Source::Seed(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d)
            }
            Source::Bytes(left) => spend(left, 8),
        }
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        let any = match &mut self.0 {
            Source::Seed(_) => self.any(),
            Source::Bytes(_) if end < 2 => 0,
            Source::Bytes(left) => return spend(left, bytes_for(end)) % end,
        };
        match end {
            0 => 0,
            1..=0xffff_ffff => ((any >> 32) * end) >> 32,
            _ => any % end,
        }
    }

    /// A number from `least` to `most`, both possible.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// Yes, so many times in a thousand. Asked for 0, nothing is thrown.
    pub fn permille(&mut self, rate: u16) -> bool {
        rate > 0 && self.below(1000) < rate as u64
    }

    /// One of these.
    ///
    /// # Panics
    /// There are none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// How many bytes say a number below this one.
const fn bytes_for(end: u64) -> u32 {
    (u64::BITS - (end - 1).leading_zeros()).div_ceil(8)
}

/// The next so many bytes as a number; what is spent counts as 0.
fn spend(left: &mut Vec<u8>, count: u32) -> u64 {
    let next = (0..count).map(|_| left.pop().unwrap_or(0));
    next.fold(0, |number, byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::Dice;

    /// Seeds are noted down in bug reports: what they mean is fixed.
    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut dice = Dice::of(7);
        let thrown = [dice.any(), dice.any(), dice.any()];
        let expected = [
            14_294_189_175_473_827_522,
            6_602_039_822_544_730_514,
            16_300_320_598_085_872_720,
        ];
        assert_eq!(thrown, expected);
    }

    #[test]
    fn throws_stay_in_their_range() {
        let mut dice = Dice::of(0);
        assert_eq!(dice.below(0), 0);
        for _ in 0..1000 {
            assert!((3..=5).contains(&dice.between(3, 5)));
            assert!(!dice.permille(0));
            assert!(dice.permille(1000));
        }
    }

    #[test]
    fn a_byte_is_a_throw_and_then_every_throw_is_0() {
        let mut dice = Dice::of_bytes(&[3, 200, 1, 2, 0, 9, 9]);
        assert_eq!(dice.below(4), 3);
        assert_eq!((dice.below(1), dice.below(0)), (0, 0), "no choice, no byte");
        assert_eq!(dice.one_of(&[0, 1, 2]), 2);
        assert_eq!(dice.below(1000), 258);
        assert!(!dice.permille(0), "no byte");
        assert!(dice.permille(10) && !dice.is_spent());
        assert_eq!(dice.below(256), 9);
        assert!(dice.is_spent());
        assert_eq!((dice.any(), dice.below(7)), (0, 0));
        assert!(!Dice::of(1).is_spent());
    }
}
