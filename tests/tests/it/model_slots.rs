//! Two model slots in flash: trials, roll-back, files that must not run, misuse, decay, a first
//! model, signatures.

use infer::Table;
use infer::update::{BootError, Running, TRIAL_BOOTS, UpdateError};
use infer::{SelfTestError, Trust, TrustError};
use tests::flash_geometry::Nrf52;
use tests::nor_flash::{Flash, Power};
use tests::updated_chip::LAYERS;
use tests::updated_chip::{
    StoreOf, Versions, boot, factory, install, power_down, power_up, update,
};

#[test]
fn an_update_runs_on_trial_until_it_is_confirmed() {
    let versions = Versions::small();
    let mut store = powered(&versions);
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 13), Ok(2));
    for left in (0..TRIAL_BOOTS).rev() {
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, Some(left))));
    }
    // Never confirmed: rolled back for good.
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));

    assert_eq!(update::<Nrf52>(&mut store, &versions), Ok(()));
    for _ in 0..2 * TRIAL_BOOTS {
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, None)));
    }
    // While on trial the model to fall back on is not given up.
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 64), Ok(2));
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 64), Err(UpdateError::OnTrial));
}

#[test]
fn files_that_must_not_run_never_do() {
    let versions = Versions::small();
    let good = &versions.files[1];
    let mut flipped = good.clone();
    flipped[200] ^= 4;
    let mut lying = good.clone();
    *lying.last_mut().unwrap() ^= 1;
    let checksum = infer::format::checksum(&lying[infer::format::Header::CHECKED_FROM..]);
    lying[12..16].copy_from_slice(&checksum.to_le_bytes());
    let mut store = powered(&versions);
    let mut refused = |file: &[u8]| {
        let error = install::<Nrf52>(&mut store, file, 100).expect_err("a file that must not run");
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
        error
    };
    assert!(matches!(refused(&flipped), UpdateError::Refused(TrustError::Model(_))));
    assert_eq!(refused(&lying), UpdateError::SelfTest(SelfTestError::Differs));
    assert!(matches!(refused(&good[..good.len() - 1]), UpdateError::Refused(TrustError::Model(_))));
    assert_eq!(refused(&[]), UpdateError::Size { file: 0, slot: 4096 * good.len().div_ceil(4096) });
    assert_eq!(
        refused(&vec![0; 1 << 20]),
        UpdateError::Size { file: 1 << 20, slot: 4096 * good.len().div_ceil(4096) }
    );

    // Back to version 1 after version 2.
    let mut store = powered(&versions);
    update::<Nrf52>(&mut store, &versions).unwrap();
    let older = UpdateError::Refused(TrustError::Older { found: 1, minimum: 2 });
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[0], 100), Err(older));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, None)));
}

#[test]
fn misuse_is_refused() {
    let versions = Versions::small();
    let file = &versions.files[1];
    let mut store = powered(&versions);
    {
        let mut table = Table::<LAYERS>::new();
        let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) else {
            panic!("no model")
        };
        assert_eq!(updater.write(&[1]), Err(UpdateError::NotBegun));
        assert_eq!(updater.finish::<LAYERS>(&Trust::ANY, &mut []), Err(UpdateError::NotBegun));
        updater.begin(file.len()).unwrap();
        updater.write(&file[..100]).unwrap();
        assert_eq!(updater.write(file), Err(UpdateError::Overrun { expected: file.len() }));
        assert_eq!(
            updater.finish::<LAYERS>(&Trust::ANY, &mut []),
            Err(UpdateError::Incomplete { expected: file.len(), found: 100 })
        );
        updater.begin(file.len()).unwrap();
        updater.write(file).unwrap();
        assert!(matches!(
            updater.finish::<LAYERS>(&Trust::ANY, &mut [0; 7]),
            Err(UpdateError::SelfTest(SelfTestError::Session(_)))
        ));
    }
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
}

/// Cells that lose their content while a model lies in them: the other one runs.
#[test]
fn a_slot_that_decays_gives_way_to_the_other() {
    let versions = Versions::small();
    let mut store = powered(&versions);
    update::<Nrf52>(&mut store, &versions).unwrap();
    let mut chip = power_down::<Nrf52>(store);
    chip.slots[1] = Flash::<4, 4096>::programmed(chip.slots[1].sectors::<4096>(), &[0; 500]);
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    let mut chip = power_down::<Nrf52>(store);
    chip.slots[0] = chip.slots[1].clone();
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    for _ in 0..3 {
        assert!(matches!(
            store.boot(&Trust::ANY, &mut Table::<LAYERS>::new()),
            Err(BootError::Refused { fallback: false, .. })
        ));
    }
}

/// A firmware that asks for a signature, or for a newer version, refuses both models; the firmware
/// before it still finds the newer one.
#[test]
fn a_trust_that_refuses_both_models_loses_neither() {
    let versions = Versions::small();
    let mut store = powered(&versions);
    update::<Nrf52>(&mut store, &versions).unwrap();
    for trust in [Trust::signed_by(infer::PublicKey::new([1; 32])), Trust::ANY.at_least(3)] {
        for _ in 0..3 {
            let refused = store.boot(&trust, &mut Table::<LAYERS>::new()).err();
            assert!(
                matches!(refused, Some(BootError::Refused { fallback: false, .. })),
                "{refused:?}"
            );
        }
        store = power_up::<Nrf52>(power_down::<Nrf52>(store), &Power::new(None, 1));
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, None)));
    }
}

#[test]
fn a_blank_chip_gets_its_first_model() {
    let versions = Versions::small();
    let mut chip = factory::<Nrf52>(&versions);
    chip.slots[0] = chip.slots[1].clone();
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    assert!(matches!(
        store.boot(&Trust::ANY, &mut Table::<LAYERS>::new()),
        Err(BootError::NoModel)
    ));
    let mut updater = store.updater();
    updater.begin(versions.files[0].len()).unwrap();
    updater.write(&versions.files[0]).unwrap();
    assert_eq!(updater.finish::<LAYERS>(&Trust::ANY, &mut vec![0; 1 << 16]), Ok(1));
    assert_eq!(
        boot::<Nrf52>(&mut store, &versions),
        Ok((1, None)),
        "there is nothing to fall back on: no trial"
    );
}

/// With a key, only signed files are installed, and the signature is checked at every boot.
#[test]
fn signed_updates() {
    use ed25519_compact::{KeyPair, Seed};
    use infer::PublicKey;
    use infer::signature::SIGNATURE_MAGIC;
    let pair = KeyPair::from_seed(Seed::new([5; 32]));
    let trust = Trust::signed_by(PublicKey::new(*pair.pk));
    let mut versions = Versions::small();
    for file in &mut versions.files {
        *file = [&file[..], &SIGNATURE_MAGIC, &*pair.sk.sign(&file[..], None)].concat();
    }
    let mut store = powered(&versions);
    let mut install = |file: &[u8]| {
        let mut table = Table::<LAYERS>::new();
        let Ok(Running { mut updater, .. }) = store.boot(&trust, &mut table) else {
            panic!("version 1 is signed")
        };
        updater.begin(file.len()).unwrap();
        updater.write(file).unwrap();
        updater.finish::<LAYERS>(&trust, &mut vec![0; 1 << 16])
    };
    let file = &versions.files[1];
    assert_eq!(install(&file[..file.len() - 72]), Err(UpdateError::Refused(TrustError::NotSigned)));
    let mut forged = file.clone();
    forged[100] ^= 1;
    assert_eq!(install(&forged), Err(UpdateError::Refused(TrustError::WrongSignature)));
    assert_eq!(install(file), Ok(2));
    assert!(
        store
            .boot(&trust, &mut Table::<LAYERS>::new())
            .is_ok_and(|running| running.model.version() == 2)
    );
}

fn powered(versions: &Versions) -> StoreOf<Nrf52> {
    power_up::<Nrf52>(factory::<Nrf52>(versions), &Power::new(None, 1))
}
