//! The lines, each as a pattern with what it means.

mod guest;
mod memory;
mod program;
mod rule;

pub(super) use rule::Rule;

/// Every rule, in the order in which they are tried.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    [memory::RULES, guest::RULES, program::RULES]
        .into_iter()
        .flatten()
}
