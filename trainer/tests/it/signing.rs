//! `keygen`, `sign` and what `inspect` says of a signed model.

use std::fs;

use crate::common::{Workshop, error, run};

#[test]
fn a_model_is_signed_and_the_signature_checked() {
    let workshop = Workshop::with_model();
    let (said, _) = run(&mut workshop.trainer(["keygen", "maker"]), 0);
    let private = fs::read_to_string(workshop.path("maker.pem")).unwrap();
    for line in private.lines() {
        assert!(!said.contains(line), "the private key is printed");
    }
    assert_eq!(fs::read(workshop.path("maker.pub")).unwrap().len(), 32);
    let unsigned = fs::read(workshop.path("out/model.kndl")).unwrap();
    let (said, stderr) =
        run(&mut workshop.trainer(["sign", "out/model.kndl", "--key", "maker.pem"]), 0);
    assert_eq!((stderr.as_str(), said.contains(private.lines().nth(1).unwrap())), ("", false));
    let signed = fs::read(workshop.path("out/model.kndl")).unwrap();
    assert_eq!(signed.len(), unsigned.len() + 72);
    let first_line = |arguments: &[&str]| {
        run(workshop.trainer(["inspect", "out/model.kndl"]).args(arguments), 0)
            .0
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    assert!(first_line(&[]).ends_with("signed (not checked: --key)"));
    assert!(first_line(&["--key", "maker.pub"]).ends_with("signed by this key"));

    // Signing again replaces the signature; Ed25519 gives the same one.
    run(&mut workshop.trainer(["sign", "out/model.kndl", "--key", "maker.pem"]), 0);
    assert_eq!(fs::read(workshop.path("out/model.kndl")).unwrap(), signed);
    // Every command takes the signed file.
    workshop.trainer(["eval", "out/model.kndl", "--data", "data"]).assert().success();
    workshop.trainer(["plan", "out/model.kndl", "--core", "m0"]).assert().success();
}

#[test]
fn models_that_the_key_did_not_sign_fail_the_inspection() {
    let workshop = Workshop::with_model();
    run(&mut workshop.trainer(["keygen", "maker"]), 0);
    run(&mut workshop.trainer(["keygen", "other"]), 0);
    let inspect =
        |model: &str| error(&mut workshop.trainer(["inspect", model, "--key", "maker.pub"]));
    assert!(inspect("out/model.kndl").starts_with("out/model.kndl: the model is not signed"));
    run(
        &mut workshop.trainer([
            "sign",
            "out/model.kndl",
            "--key",
            "other.pem",
            "--out",
            "other.kndl",
        ]),
        0,
    );
    assert!(inspect("other.kndl").contains("the signature is not this key's"));
}

#[test]
fn keys_are_never_replaced_and_nothing_is_left_over() {
    let workshop = Workshop::new();
    run(&mut workshop.trainer(["keygen", "maker"]), 0);
    let before = fs::read(workshop.path("maker.pem")).unwrap();
    assert!(
        error(&mut workshop.trainer(["keygen", "maker"]))
            .starts_with("maker.pem: cannot be written: ")
    );
    assert_eq!(fs::read(workshop.path("maker.pem")).unwrap(), before);
    // A public key that is in the way: the private one is not left there.
    fs::write(workshop.path("second.pub"), "mine").unwrap();
    assert!(
        error(&mut workshop.trainer(["keygen", "second"]))
            .starts_with("second.pub: cannot be written: ")
    );
    assert_eq!(
        workshop.names_in("."),
        ["data", "maker.pem", "maker.pub", "second.pub", "small.toml"]
    );
    assert!(
        error(&mut workshop.trainer(["keygen", "no/such/folder"]))
            .starts_with("no/such/folder.pem: cannot be")
    );
}

#[cfg(unix)]
#[test]
fn the_private_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let workshop = Workshop::with_model();
    run(&mut workshop.trainer(["keygen", "maker"]), 0);
    let mode = |name| fs::metadata(workshop.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("maker.pem"), 0o600);
    assert_eq!(mode("maker.pub") & 0o444, 0o444);
    fs::set_permissions(workshop.path("maker.pem"), fs::Permissions::from_mode(0o640)).unwrap();
    let message = error(&mut workshop.trainer(["sign", "out/model.kndl", "--key", "maker.pem"]));
    assert_eq!(message, "maker.pem: others can read this private key: chmod 600 maker.pem");
}

#[test]
fn keys_that_are_none() {
    let workshop = Workshop::with_model();
    run(&mut workshop.trainer(["keygen", "maker"]), 0);
    let sign = |key: &str| error(&mut workshop.trainer(["sign", "out/model.kndl", "--key", key]));
    assert!(sign("missing.pem").contains("`trainer keygen` makes keys"));
    for content in [
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".as_slice(),
        b"",
        b"\xff\xfe",
    ] {
        let path = workshop.path("broken.pem");
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(sign("broken.pem").starts_with("broken.pem: no Ed25519 private key"));
    }
    let message = error(&mut workshop.trainer(["inspect", "out/model.kndl", "--key", "maker.pem"]));
    assert!(message.starts_with("maker.pem: no public key: "), "{message}");
    fs::write(workshop.path("no.kndl"), "no model").unwrap();
    let message = error(&mut workshop.trainer(["sign", "no.kndl", "--key", "maker.pem"]));
    assert!(message.starts_with("no.kndl: no model"), "{message}");
}
