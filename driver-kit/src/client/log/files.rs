//! The two files of a log, and the steps of its protocols on them.

use super::reader::Snapshot;
use crate::client::{Client, File, OpenOptions, ReplaceBuilder};
use crate::clock::Deadline;
use crate::error::{Operation, if_there};
use crate::log::{Identity, LogFailure, SNAPSHOT_HEADER, SnapshotHeader, Step, Unsound, Which};
use bytes::Bytes;
use staging_core::Mode;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Where the files of a log are, and those of them that are open.
pub(super) struct Files {
    client: Client,
    pub(super) path: Arc<Path>,
    snapshot_path: Arc<Path>,
    write: bool,
    /// Until when reads are waited for. What changes a file goes on to its end, whoever waits.
    deadline: Deadline,
    log: Option<File>,
    snapshot: Option<File>,
}

impl Files {
    /// Of a log at this path; nothing is opened.
    pub(super) fn beside(client: &Client, path: &Arc<Path>, deadline: Deadline) -> Files {
        let mut name = OsString::from(path.as_os_str());
        name.push(".snapshot");
        Files {
            client: client.clone(),
            path: Arc::clone(path),
            snapshot_path: Path::new(&name).into(),
            write: true,
            deadline,
            log: None,
            snapshot: None,
        }
    }

    /// Opens what is there: the log, for writing or not, and the snapshot.
    ///
    /// # Errors
    /// What the system said, but that a file is missing; the deadline passed.
    pub(super) async fn open(
        client: &Client,
        path: &Arc<Path>,
        write: bool,
        deadline: Deadline,
    ) -> io::Result<Files> {
        let place = if_there(opened(client, path, write, deadline).await)?;
        // Where the log really is, its snapshot is, too.
        let real = place.as_ref().map_or(&**path, File::path);
        let mut files = Files::beside(client, &real.into(), deadline);
        files.write = write;
        files.snapshot = files.opened_snapshot().await?;
        // A log that is opened after its snapshot has at least what that stands for.
        files.log = if_there(opened(client, &files.path, write, deadline).await)?;
        Ok(files)
    }

    async fn opened_snapshot(&self) -> io::Result<Option<File>> {
        if_there(opened(&self.client, &self.snapshot_path, false, self.deadline).await)
    }

    pub(super) const fn log(&self) -> Option<&File> {
        self.log.as_ref()
    }

    pub(super) fn take_log(&mut self) -> Option<File> {
        self.log.take()
    }

    pub(super) fn use_log(&mut self, file: File) {
        self.log = Some(file);
    }

    pub(super) fn lengths(&self) -> crate::log::Lengths {
        crate::log::Lengths {
            log: self.log.as_ref().map(File::len),
            snapshot: self.snapshot.as_ref().map(File::len),
        }
    }

    /// Carries a step out; what it read.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn perform(&mut self, step: Step) -> io::Result<Bytes> {
        match step {
            Step::Read { which, offset, len } => {
                let file = self.file(which)?;
                file.read_at_by(offset, len, self.deadline).await
            }
            Step::Write { offset, bytes } => {
                let written = self.file(Which::Log)?.write_at(offset, bytes).await;
                written.map(|()| Bytes::new())
            }
            Step::Cut { len } => {
                let cut = self.file(Which::Log)?.set_len(len).await;
                cut.map(|()| Bytes::new())
            }
            Step::Sync => {
                let synced = self.file(Which::Log)?.sync(Deadline::Never).await;
                synced.map(|()| Bytes::new())
            }
            Step::Make { content } => {
                let made = self.replace(Which::Log, content).create_new(true);
                made.await?;
                self.reopen().await
            }
            Step::Replace { which, content } => {
                self.replace(which, content).await?;
                match which {
                    Which::Log => self.reopen().await,
                    Which::Snapshot => {
                        self.snapshot = None;
                        Ok(Bytes::new())
                    }
                }
            }
            Step::Pause => Ok(Bytes::new()),
        }
    }

    /// Opens the file that is the log now.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn reopen(&mut self) -> io::Result<Bytes> {
        let never = Deadline::Never;
        self.log = Some(opened(&self.client, &self.path, self.write, never).await?);
        Ok(Bytes::new())
    }

    /// The snapshot that there is now, checked.
    ///
    /// # Errors
    /// It is damaged or another log's; what the system said.
    pub(super) async fn newest_snapshot(&self, lineage: Identity) -> io::Result<Option<Snapshot>> {
        match self.opened_snapshot().await? {
            Some(file) => self.checked(&file, lineage, self.deadline).await.map(Some),
            None => Ok(None),
        }
    }

    /// The snapshot that was opened with the log, checked.
    ///
    /// # Errors
    /// It is damaged or another log's; what the system said.
    pub(super) async fn snapshot(
        &self,
        lineage: Identity,
        deadline: Deadline,
    ) -> io::Result<Option<Snapshot>> {
        match &self.snapshot {
            Some(file) => self.checked(file, lineage, deadline).await.map(Some),
            None => Ok(None),
        }
    }

    async fn checked(
        &self,
        file: &File,
        lineage: Identity,
        deadline: Deadline,
    ) -> io::Result<Snapshot> {
        let len = usize::try_from(file.len()).unwrap_or(usize::MAX);
        let bytes = file.read_at_by(0, len, deadline).await?;
        let unsound = |why| self.failed(Operation::Read, why);
        let header = SnapshotHeader::decode(&bytes, bytes.len() as u64).map_err(unsound)?;
        if header.lineage != lineage {
            return Err(unsound(Unsound::StrangeSnapshot));
        }
        let bytes = bytes.slice(SNAPSHOT_HEADER as usize..);
        header.verify(&bytes).map_err(unsound)?;
        let upto = header.upto;
        Ok(Snapshot { upto, bytes })
    }

    /// Where a file is.
    pub(super) fn path_of(&self, which: Which) -> Arc<Path> {
        match which {
            Which::Log => Arc::clone(&self.path),
            Which::Snapshot => Arc::clone(&self.snapshot_path),
        }
    }

    /// What is wrong, with the path of the file that it is about.
    pub(super) fn failed(&self, operation: Operation, why: Unsound) -> io::Error {
        LogFailure {
            operation,
            path: self.path_of(why.which()),
            why,
        }
        .into_io()
    }

    pub(super) fn replace(&self, which: Which, content: Vec<u8>) -> ReplaceBuilder {
        let path = match which {
            Which::Log => &self.path,
            Which::Snapshot => &self.snapshot_path,
        };
        ReplaceBuilder::new(self.client.clone(), path.to_path_buf(), content.into())
    }

    fn file(&self, which: Which) -> io::Result<&File> {
        let file = match which {
            Which::Log => self.log.as_ref(),
            Which::Snapshot => self.snapshot.as_ref(),
        };
        file.ok_or_else(|| self.failed(Operation::Open, Unsound::Undecided))
    }
}

/// Opens a file that is left on the disk: logs are read once, from front to back.
async fn opened(
    client: &Client,
    path: &Arc<Path>,
    write: bool,
    deadline: Deadline,
) -> io::Result<File> {
    OpenOptions::new(client.clone(), |file| file)
        .write(write)
        .mode(Mode::None)
        .deadline(deadline)
        .open(path)
        .await
}
