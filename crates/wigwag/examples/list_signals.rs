//! The signals that are valid on this machine, each with its number, its default action, and its description.

use wigwag::{DefaultAction, Signal};

fn main() {
    for signal in Signal::all() {
        let action = match signal.default_action() {
            DefaultAction::Terminate => "ends",
            DefaultAction::CoreDump => "ends with a core file",
            DefaultAction::Ignore => "ignored",
            DefaultAction::Stop => "stops",
            DefaultAction::Continue => "goes on",
        };
        let kept = if signal.can_be_caught() {
            ""
        } else {
            " (cannot be caught)"
        };
        println!(
            "{:>2} {signal:<9} {action:<21} {}{kept}",
            signal.number(),
            signal.description()
        );
    }
}
