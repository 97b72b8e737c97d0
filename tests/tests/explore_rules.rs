//! Each rule of the explorer rejects what breaks it.

use tests::explore::{Rule, not_rejected, without_fixture};

#[test]
fn each_rule_rejects_its_fixture() {
    let passed = not_rejected();
    assert!(passed.is_empty(), "\n{}", passed.join("\n"));
}

#[test]
fn each_rule_has_a_fixture() {
    assert_eq!(without_fixture(), []);
}

#[test]
fn every_rule_is_listed_once() {
    for (at, rule) in Rule::ALL.into_iter().enumerate() {
        assert_eq!(rule as usize, at);
    }
}
