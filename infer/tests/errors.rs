//! The message of an error that wraps another says what that one says, so it is no source: what
//! prints a chain of causes tells each once.

use std::error::Error;

use infer::features::Feature;
use infer::{
    InputError, LayerProblem, ModelError, RunError, SelfTestError, SessionError, StreamError,
    StreamProblem, TrustError,
};

const PROBLEM: LayerProblem = LayerProblem::NotBuilt(Feature::MaxPool);

const SMALL: SessionError = SessionError::BufferTooSmall { needed: 16, found: 0 };

/// An error and those that caused it, as programs print them.
fn chain(error: &dyn Error) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}

fn check(error: &dyn Error, cause: &dyn Error) {
    let (told, cause) = (chain(error), cause.to_string());
    assert_eq!(told.matches(&cause).count(), 1, "{told}");
}

#[test]
fn wrapped_errors_are_told_once() {
    let input = InputError::Length { expected: 4, found: 3 };
    let rates = StreamProblem::Rates;
    check(&ModelError::Input(PROBLEM), &PROBLEM);
    check(&ModelError::Layer { index: 2, problem: PROBLEM }, &PROBLEM);
    check(&RunError::Input(input), &input);
    check(&SelfTestError::Session(SMALL), &SMALL);
    check(&StreamError::Session(SMALL), &SMALL);
    check(&StreamError::Layer { index: 2, problem: rates }, &rates);
    check(&TrustError::Model(ModelError::Records), &ModelError::Records);
}

#[cfg(feature = "update")]
#[test]
fn wrapped_errors_of_updates_are_told_once() {
    use infer::update::{BootError, UpdateError};
    let cause = TrustError::NotSigned;
    check(&BootError::Refused { cause, fallback: true }, &cause);
    check(&UpdateError::Refused(cause), &cause);
    check(&UpdateError::SelfTest(SelfTestError::Absent), &SelfTestError::Absent);
}

#[test]
fn a_part_that_is_left_out_is_named() {
    let refused = ModelError::Layer { index: 2, problem: PROBLEM };
    assert_eq!(refused.left_out(), Some(Feature::MaxPool));
    assert!(refused.to_string().contains("turn on the feature `max-pool` of infer"), "{refused}");
    assert_eq!(ModelError::Layer { index: 2, problem: LayerProblem::Stuck }.left_out(), None);
    let refused = StreamError::NotBuilt(Feature::HeldRows);
    assert_eq!(refused.left_out(), Some(Feature::HeldRows));
}
