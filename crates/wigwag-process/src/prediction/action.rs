//! What the signal does in the thread that takes it.

use wigwag::{DefaultAction, Signal};

use super::Effect;
use super::generation::{Disposition, Question};

impl Question<'_> {
    /// What happens in the thread that takes it.
    pub(super) fn action(&self) -> (Effect, String) {
        let signal = self.signal;
        if self.init_is_safe() {
            return (
                Effect::Ignored,
                "it is init of its pid namespace and does not handle it".into(),
            );
        }
        match (self.disposition(), signal.default_action()) {
            (Disposition::Caught, _) => (Effect::RunsHandler, format!("it catches {signal}")),
            (Disposition::Ignored, _) => (Effect::Ignored, "it ignores it".into()),
            (_, DefaultAction::Ignore) => {
                (Effect::Ignored, "the default action is to ignore it".into())
            }
            (_, DefaultAction::Continue) => (
                Effect::Ignored,
                "CONT does nothing more once it runs".into(),
            ),
            (_, DefaultAction::Terminate) => (
                Effect::Kills,
                format!("the default action of {signal} is to end it"),
            ),
            (_, DefaultAction::CoreDump)
                if !self.view.core_piped && self.view.core_limit == Some(0) =>
            {
                (
                    Effect::Kills,
                    format!(
                        "the default action of {signal} is to dump core; RLIMIT_CORE is 0, so it only ends"
                    ),
                )
            }
            (_, DefaultAction::CoreDump) => (
                Effect::DumpsCore,
                format!("the default action of {signal} is to end it with a core file"),
            ),
            (_, DefaultAction::Stop)
                if signal != Signal::STOP && self.view.orphaned == Some(true) =>
            {
                (
                    Effect::Discarded,
                    "its process group is orphaned: nobody could resume it, so the kernel drops it"
                        .into(),
                )
            }
            (_, DefaultAction::Stop) => (
                Effect::Stops,
                format!("the default action of {signal} is to stop it"),
            ),
        }
    }
}
