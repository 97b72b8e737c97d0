//! What is asked for, as times are sorted by it.

use staging_core::Request;

/// The kinds of request that are measured apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RequestKind {
    /// An open, with the staging that is asked with it.
    Open,
    /// A stage or an unstage.
    Stage,
    /// A read that comes to the machine: of a file that is not staged.
    Read,
    /// A write, an append or a change of the length.
    Write,
    /// A flush or a sync, of one file or of all.
    Sync,
    /// A replace.
    Replace,
    /// A lock.
    Lock,
    /// A close that is waited for.
    Close,
}

impl RequestKind {
    /// All of them.
    pub const ALL: [RequestKind; 8] = [
        RequestKind::Open,
        RequestKind::Stage,
        RequestKind::Read,
        RequestKind::Write,
        RequestKind::Sync,
        RequestKind::Replace,
        RequestKind::Lock,
        RequestKind::Close,
    ];

    /// The kind of a request.
    pub const fn of(request: Request) -> RequestKind {
        match request {
            Request::Open { .. } => RequestKind::Open,
            Request::Stage { .. } | Request::Unstage { .. } => RequestKind::Stage,
            Request::Read { .. } => RequestKind::Read,
            Request::Write { .. } | Request::Append { .. } | Request::SetLength { .. } => {
                RequestKind::Write
            }
            Request::Flush { .. } | Request::Sync { .. } | Request::FlushAll | Request::SyncAll => {
                RequestKind::Sync
            }
            Request::Replace { .. } => RequestKind::Replace,
            Request::Lock { .. } => RequestKind::Lock,
            Request::Close { .. } => RequestKind::Close,
        }
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            RequestKind::Open => "open",
            RequestKind::Stage => "stage",
            RequestKind::Read => "read",
            RequestKind::Write => "write",
            RequestKind::Sync => "sync",
            RequestKind::Replace => "replace",
            RequestKind::Lock => "lock",
            RequestKind::Close => "close",
        }
    }
}
