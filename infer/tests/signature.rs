//! Signed models: what is let in and what is refused, and that the signature comes before
//! everything else.

mod support;

use ed25519_compact::{KeyPair, Seed};
use infer::signature::{SIGNATURE_MAGIC, TRAILER_BYTES, split};
use infer::{Model, ModelError, PublicKey, Table, Trust, TrustError};
use support::{Parts, with_checksum};

fn keys(seed: u8) -> (KeyPair, PublicKey) {
    let pair = KeyPair::from_seed(Seed::new([seed; 32]));
    let public = PublicKey::new(*pair.pk);
    (pair, public)
}

fn signed(model: &[u8], pair: &KeyPair) -> Vec<u8> {
    [model, &SIGNATURE_MAGIC, &*pair.sk.sign(model, None)].concat()
}

fn refused(file: &[u8], trust: Trust) -> TrustError {
    match trust.load(file, &mut Table::<3>::new()) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

#[test]
fn a_signed_model_is_let_in() {
    let (pair, key) = keys(1);
    let model = Parts::default().file();
    let file = signed(&model, &pair);
    assert_eq!(file.len(), model.len() + TRAILER_BYTES);
    assert_eq!(split(&file).map(|(model, _)| model), Some(&model[..]));
    let mut table = Table::<3>::new();
    let loaded = Model::from_signed_bytes(&file, &mut table, &key, 7).unwrap();
    assert_eq!((loaded.version(), loaded.file_bytes()), (7, model.len()));
}

/// RFC 8032, 7.1, test 3: the signature is the Ed25519 that everybody else computes.
#[test]
fn signatures_are_those_of_rfc_8032() {
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    };
    let seed = bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    let pair = KeyPair::from_seed(Seed::from_slice(&seed).unwrap());
    let public = bytes("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    assert_eq!(*pair.pk, public[..]);
    let signature = bytes(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    assert_eq!(*pair.sk.sign([0xaf, 0x82], None), signature[..]);
}

#[test]
fn unsigned_files_are_refused_when_a_key_is_given() {
    let (_, key) = keys(1);
    let model = Parts::default().file();
    assert_eq!(refused(&model, Trust::signed_by(key)), TrustError::NotSigned);
    assert_eq!(refused(&[], Trust::signed_by(key)), TrustError::NotSigned);
    let without_signature = [&model[..], &SIGNATURE_MAGIC].concat();
    assert_eq!(refused(&without_signature, Trust::signed_by(key)), TrustError::NotSigned);
}

#[test]
fn another_keys_signature_and_another_files_signature_are_refused() {
    let ((pair, key), (other_pair, other_key)) = (keys(1), keys(2));
    let model = Parts::default().file();
    assert_eq!(
        refused(&signed(&model, &other_pair), Trust::signed_by(key)),
        TrustError::WrongSignature
    );
    assert_eq!(
        refused(&signed(&model, &pair), Trust::signed_by(other_key)),
        TrustError::WrongSignature
    );
    let mut signed_other = signed(&Parts { model_version: 8, ..Parts::default() }.file(), &pair);
    signed_other[..model.len()].copy_from_slice(&model);
    assert_eq!(refused(&signed_other, Trust::signed_by(key)), TrustError::WrongSignature);
}

#[test]
fn every_flipped_bit_of_a_signed_file_is_found_by_the_signature() {
    let (pair, key) = keys(3);
    let good = signed(&Parts::default().file(), &pair);
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&file, Trust::signed_by(key));
        // Never `Model`: the signature is looked at first.
        assert!(
            matches!(error, TrustError::WrongSignature | TrustError::NotSigned),
            "bit {bit}: {error:?}"
        );
    }
}

#[test]
fn the_signature_is_checked_before_anything_is_parsed_and_then_everything_is() {
    let (pair, key) = keys(1);
    let nonsense = signed(b"no model at all, but signed by the right key", &pair);
    let found = refused(&nonsense, Trust::signed_by(key));
    assert_eq!(found, TrustError::Model(ModelError::Magic { found: *b"no m" }));
    let mut wrong = nonsense;
    wrong[0] ^= 1;
    assert_eq!(refused(&wrong, Trust::signed_by(key)), TrustError::WrongSignature);
    let mut invalid = Parts::default().file();
    invalid[4] = 1;
    let invalid = signed(&with_checksum(invalid), &pair);
    assert_eq!(
        refused(&invalid, Trust::signed_by(key)),
        TrustError::Model(ModelError::Version { found: 1, supported: 3 })
    );
}

#[test]
fn an_older_version_is_refused_with_and_without_a_signature() {
    let (pair, key) = keys(1);
    let model = Parts::default().file();
    let older = TrustError::Older { found: 7, minimum: 8 };
    assert_eq!(refused(&model, Trust::ANY.at_least(8)), older);
    assert_eq!(refused(&signed(&model, &pair), Trust::signed_by(key).at_least(8)), older);
    assert_eq!(
        Model::from_signed_bytes(&signed(&model, &pair), &mut Table::<3>::new(), &key, u32::MAX)
            .err(),
        Some(TrustError::Older { found: 7, minimum: u32::MAX })
    );
    assert!(Trust::ANY.at_least(7).load(&model, &mut Table::<3>::new()).is_ok());
}

#[test]
fn a_signed_file_is_no_model_to_who_asks_for_no_signature() {
    let (pair, _) = keys(1);
    let model = Parts::default().file();
    let file = signed(&model, &pair);
    let error = ModelError::Length { header: model.len() as u32, found: file.len() };
    assert_eq!(refused(&file, Trust::ANY), TrustError::Model(error));
}

/// A signature whose scalar is not reduced, and a key of small order, would let others make
/// signatures.
#[test]
fn malleable_signatures_and_weak_keys_are_refused() {
    let (pair, key) = keys(1);
    let mut file = signed(&Parts::default().file(), &pair);
    let end = file.len();
    // s + L is congruent to s: the same signature in another coat.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, add) in file[end - 32..].iter_mut().zip(order) {
        let sum = *byte as u16 + add as u16 + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(refused(&file, Trust::signed_by(key)), TrustError::WrongSignature);
    let mut identity = [0; 32];
    identity[0] = 1;
    for key in [identity, [0; 32]] {
        let mut forged = Parts::default().file();
        forged.extend(SIGNATURE_MAGIC);
        forged.extend(identity);
        forged.extend([0; 32]);
        assert_eq!(
            refused(&forged, Trust::signed_by(PublicKey::new(key))),
            TrustError::WrongSignature
        );
    }
}

/// The crate that verifies holds bounds checks that the link proof cannot take out
/// (docs/decisions/0003-signatures.md). What they index by depends on the length of the message
/// modulo 128 and on the digits of two numbers: every length, and numbers with the digits that are
/// farthest out.
#[test]
fn no_length_and_no_number_ends_in_a_panic() {
    let (pair, key) = keys(5);
    for len in 0..=400 {
        let message: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        let error = refused(&signed(&message, &pair), Trust::signed_by(key));
        assert!(matches!(error, TrustError::Model(_)), "{len} bytes: {error:?}");
    }
    let mut state = 1u64;
    let mut noise = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let patterns = [0x00, 0x0F, 0x1F, 0x33, 0x55, 0x77, 0x7F, 0xAA, 0xF0, 0xF7, 0xFF];
    for number in 0..if cfg!(miri) { 20 } else { 4000 } {
        // R is a point: that of another signature, or noise. S is a pattern or noise, below the
        // order.
        let mut signature = *pair.sk.sign([number as u8], None);
        let pattern = patterns.get(number % 16).copied();
        signature[32..].iter_mut().for_each(|byte| *byte = pattern.unwrap_or_else(&mut noise));
        signature[63] &= 0x0F;
        if number % 3 == 0 {
            signature[..32].iter_mut().for_each(|byte| *byte = noise());
        }
        let file = [&[number as u8; 9][..], &SIGNATURE_MAGIC, &signature].concat();
        assert_eq!(refused(&file, Trust::signed_by(key)), TrustError::WrongSignature);
    }
}
