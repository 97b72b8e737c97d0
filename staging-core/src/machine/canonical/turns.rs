//! What is ready, and whose turn it is.

use super::Writer;
use crate::machine::state::{LINE, READY, RINGS};
use crate::slab::List;

impl Writer<'_> {
    pub(super) fn turns(&mut self) {
        let m = self.machine;
        self.io_list(READY, &m.ready);
        if m.ready.is_empty() {
            return;
        }
        self.hashed(&m.turn);
        for (class, (line, ring)) in m.lines.iter().zip(&m.rings).enumerate() {
            self.io_list(LINE, line);
            let mut next = m.writings.first(ring);
            while let Some(writing) = next {
                self.io_list(LINE, &m.writings[writing].queued[class]);
                next = m.writings.after(RINGS + class, writing);
            }
            self.end();
        }
    }

    fn io_list(&mut self, link: usize, list: &List) {
        let mut next = self.machine.ios.first(list);
        while let Some(io) = next {
            let rank = self.io_rank(io);
            self.word(rank);
            next = self.machine.ios.after(link, io);
        }
        self.end();
    }
}
