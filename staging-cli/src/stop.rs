//! SIGINT and SIGTERM (S6): the first ends the staging or the hold, the second forces, the third
//! exits at once.

use crate::list::Stop;
use crate::voice::Voice;
use driver_blocking::{Batch, Grace, Stager};
use driver_kit::signals::{Press, Signals};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// Why it is shut down where a signal asked for it.
const REASON: &str = "a signal came";

/// What the first signal stops.
pub(crate) struct Running {
    pub(crate) stager: Stager,
    pub(crate) batch: Arc<Batch>,
    pub(crate) list: Stop,
    pub(crate) voice: Voice,
    /// Changes are being waited for, which a shutdown ends.
    pub(crate) watches: bool,
}

/// Listens on a thread of its own for the rest of the process. The receiver is told of the first
/// signal.
///
/// # Errors
/// No thread could be started.
pub(crate) fn listen(mut signals: Signals, running: Running) -> io::Result<Receiver<()>> {
    let (pressed, told) = channel();
    thread::Builder::new()
        .name("staging-signals".to_owned())
        .spawn(move || {
            while let Ok(press) = signals.wait() {
                running.stop(press, &pressed);
            }
        })?;
    Ok(told)
}

impl Running {
    fn stop(&self, press: Press, pressed: &Sender<()>) {
        match press {
            Press::Graceful => {
                self.voice.remark(format_args!(
                    "stopping; a second signal forces it, a third exits at once"
                ));
                let _ = pressed.send(());
                self.list.stop();
                self.batch.cancel();
                if self.watches {
                    let hub = self.stager.hub();
                    hub.shut_down_because(Grace::default(), REASON);
                }
            }
            Press::Force => {
                self.voice.remark(format_args!("forcing"));
                let closing = Duration::from_nanos(Grace::default().closing);
                self.stager.hub().force_because(closing, REASON);
            }
        }
    }
}
