//! An error that wraps another has it as its source, and its message says what the source says.

use std::error::Error;

use infer::features::Feature;
use infer::{
    InputError, LayerProblem, ModelError, RunError, SelfTestError, SessionError, StreamError,
    StreamProblem, TrustError,
};

const PROBLEM: LayerProblem = LayerProblem::NotBuilt(Feature::MaxPool);

const SMALL: SessionError = SessionError::BufferTooSmall { needed: 16, found: 0 };

fn check(error: &dyn Error, source: &dyn Error) {
    let found = error.source().expect("a source").to_string();
    assert_eq!(found, source.to_string());
    assert!(error.to_string().contains(&found), "{error}");
}

#[test]
fn wrapped_errors_are_sources() {
    let input = InputError::Length { expected: 4, found: 3 };
    let rates = StreamProblem::Rates;
    check(&ModelError::Input(PROBLEM), &PROBLEM);
    check(&ModelError::Layer { index: 2, problem: PROBLEM }, &PROBLEM);
    check(&RunError::Input(input), &input);
    check(&SelfTestError::Session(SMALL), &SMALL);
    check(&StreamError::Session(SMALL), &SMALL);
    check(&StreamError::Layer { index: 2, problem: rates }, &rates);
    check(&TrustError::Model(ModelError::Records), &ModelError::Records);
    assert!(ModelError::Records.source().is_none());
}

#[cfg(feature = "update")]
#[test]
fn errors_of_updates_have_sources() {
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
