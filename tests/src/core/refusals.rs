//! A request is refused only for a reason that its caller can see.

use super::world::{RowState, World};
use staging_core::{Access, PhaseName, Reject, Request};

impl World {
    pub(crate) fn rejected(&mut self, reject: Reject, request: Request) {
        match reject {
            Reject::Full(bound) => {
                self.check_full(bound);
                assert!(
                    !matches!(request, Request::Close { .. }),
                    "a close was refused for fullness"
                );
                if !self.full.contains(&bound) {
                    self.full.push(bound);
                }
            }
            Reject::UnknownHandle => {
                let handle = request.handle();
                let open = RowState::Open;
                let known = self
                    .rows
                    .iter()
                    .any(|row| Some(row.id) == handle && row.state == open);
                assert!(!known, "{handle:?} is open");
            }
            Reject::ShuttingDown => assert!(self.machine.phase() > PhaseName::Running),
            Reject::BadRange => assert!(matches!(
                request,
                Request::Read { .. }
                    | Request::Write { .. }
                    | Request::Append { .. }
                    | Request::SetLength { .. }
                    | Request::Replace { .. }
                    | Request::Lock { .. }
            )),
            Reject::ReadOnly => {
                let handle = request.handle();
                let row = self.rows.iter().rfind(|row| Some(row.id) == handle);
                assert_eq!(row.map(|row| row.access), Some(Access::Read));
            }
            Reject::SyncFailed => assert!(self.machine.stats().syncs_failed > 0),
            other => unreachable!("{other:?}"),
        }
        self.check();
    }
}
