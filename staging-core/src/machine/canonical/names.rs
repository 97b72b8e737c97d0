//! What is being replaced, and where names are to become durable.

use super::{GONE, Writer};

impl Writer<'_> {
    pub(super) fn names(&mut self) {
        let m = self.machine;
        for id in m.targets.ids() {
            let target = &m.targets[id];
            let current = self.op_rank(target.current);
            self.words.extend(target.key.0);
            self.words
                .extend([current, target.volume.map_or(GONE, |key| key)]);
            self.op_list(&target.waiting);
        }
        self.end();
        self.op_list(&m.replacers);
        for id in m.volumes.ids() {
            let volume = &m.volumes[id];
            let sync = volume.sync.map_or(GONE, |io| self.io_rank(io));
            self.words.extend(volume.key.0);
            self.word(sync);
            self.op_list(&volume.uncovered);
        }
        self.end();
        for id in m.directories.ids() {
            let directory = &m.directories[id];
            let sync = directory.sync.map_or(GONE, |io| self.io_rank(io));
            self.words.extend(directory.key.0);
            self.word(sync);
            self.op_list(&directory.covered);
            self.op_list(&directory.uncovered);
        }
        self.end();
    }
}
