//! Networks that answer real values, and autoencoders: from `new` to the report, as typed.

use std::fs;

use serde_json::Value;

use crate::common::{Workshop, error, noise, run};

/// An `.npy` file of f32, version 1.
fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &values].concat()
}

fn metrics(workshop: &Workshop) -> Value {
    serde_json::from_slice(&fs::read(workshop.path("out/metrics.json")).unwrap()).unwrap()
}

/// A table of 400 rows: `y` follows from `a` and `b`, and is around 1000.
fn with_table() -> Workshop {
    let workshop = Workshop::new();
    let mut noise = noise(5);
    let row = |_| {
        let [a, b] = [noise(), noise()];
        format!("{a},{b},{}\n", 1000.0 + 20.0 * a - 5.0 * b)
    };
    let rows: String = (0..400).map(row).collect();
    fs::write(workshop.path("t.csv"), format!("a,b,y\n{rows}")).unwrap();
    workshop
}

#[test]
fn real_values_are_learnt_from_a_table() {
    let workshop = with_table();
    let new = [
        "new",
        "my.toml",
        "--task",
        "regress",
        "--data",
        "t.csv",
        "--columns",
        "a,b",
        "--target-columns",
        "y",
        "--window",
        "1",
    ];
    let (said, _) = run(&mut workshop.trainer(new), 0);
    assert!(said.contains("for 1x1x2 images and 1 values to answer"), "{said}");
    let train = said.lines().last().unwrap().trim().strip_prefix("trainer ").unwrap().to_owned();
    let (said, _) = run(workshop.trainer([]).args(train.split(' ')), 0);
    assert!(said.contains("held-out loss") && !said.contains("accuracy"), "{said}");
    let value = &metrics(&workshop)["values"][0];
    assert!(value["int8"]["explained"].as_f64().unwrap() > 0.9, "{value}");
    assert_eq!(value["name"], "y");
    let report = fs::read_to_string(workshop.path("out/report.html")).unwrap();
    assert!(report.contains("Answers against what is wanted") && !report.contains("Confusion"));
    assert!(report.contains("\"gives\":\"reals\""));
    let (said, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(said.contains("\ny      int8 "), "{said}");
    fs::write(workshop.path("one.csv"), "b,a\n0.5,0.5\n").unwrap();
    let (said, _) = run(&mut workshop.trainer(["predict", "out/model.kndl", "one.csv"]), 0);
    let answer: f64 = said.trim().strip_prefix("one.csv row 1: y ").unwrap().parse().unwrap();
    assert!((answer - 1007.5).abs() < 5.0, "{said}");
    let (said, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    assert!(said.contains("1 real value,") && said.contains("\ny = "), "{said}");
    let two = ["compare", "out/model.kndl", "out/model.kndl", "--html", "two.html"];
    let (said, _) = run(&mut workshop.trainer(two), 0);
    assert!(said.contains("y: explained") && said.contains("no difference shown"), "{said}");
    let again = ["export", "out/float.burnpack", "--out", "again.kndl"];
    run(&mut workshop.trainer(again), 0);
    let [first, second] =
        ["out/model.kndl", "again.kndl"].map(|name| fs::read(workshop.path(name)).unwrap());
    assert_eq!(first, second);
}

/// Sines that are usual, and in the test set steps that are not.
fn with_series() -> Workshop {
    let workshop = Workshop::new();
    let mut noise = noise(9);
    let mut window = |is_usual: bool| -> Vec<f32> {
        let phase = 6.0 * noise() as f32;
        let value = |step: usize| {
            let wave = (step as f32 * 0.7 + phase).sin();
            if is_usual { wave } else { wave.signum() }
        };
        (0..16).map(value).collect()
    };
    fs::create_dir(workshop.path("d")).unwrap();
    for (part, usual, unusual) in [("train", 1500, 0), ("test", 40, 20)] {
        let kinds = (0..usual + unusual).map(|index| index < usual);
        let values: Vec<f32> = kinds.clone().flat_map(&mut window).collect();
        let labels: Vec<f32> = kinds.map(|is_usual| if is_usual { 0.0 } else { 1.0 }).collect();
        let count = usual + unusual;
        let write = |name: &str, bytes| fs::write(workshop.path(&format!("d/{name}")), bytes);
        write(&format!("x_{part}.npy"), npy(&format!("({count}, 16, 1)"), &values)).unwrap();
        write(&format!("y_{part}.npy"), npy(&format!("({count},)"), &labels)).unwrap();
    }
    workshop
}

#[test]
fn an_autoencoder_finds_what_is_unusual() {
    let workshop = with_series();
    run(&mut workshop.trainer(["new", "my.toml", "--task", "reconstruct", "--data", "d"]), 0);
    let train = ["train", "my.toml", "--data", "d", "--epochs", "100"];
    let (said, _) = run(&mut workshop.trainer(train), 0);
    assert!(said.contains("threshold") && said.contains("area under curve"), "{said}");
    let found = metrics(&workshop);
    assert!(found["int8"]["area_under_curve"].as_f64().unwrap() > 0.9, "{found}");
    assert_eq!((&found["int8"]["unusual"], &found["int8"]["usual"]), (&20.into(), &40.into()));
    let report = fs::read_to_string(workshop.path("out/report.html")).unwrap();
    assert!(report.contains("Errors, and what they tell apart"));
    assert!(report.contains("\"gives\":\"reconstruction\""));
    let (said, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    assert!(said.contains("a reconstruction of 16 values, unusual above 0."), "{said}");
    let predict = ["predict", "out/model.kndl", "d/x_test.npy"];
    let (said, _) = run(&mut workshop.trainer(predict), 0);
    let unusual = |lines: &[&str]| lines.iter().filter(|line| line.contains(": unusual, ")).count();
    let lines: Vec<&str> = said.lines().collect();
    let alarms = found["int8"]["false_alarms"].as_u64().unwrap() as usize;
    assert_eq!((lines.len(), unusual(&lines[..40])), (60, alarms));
    assert_eq!(unusual(&lines[40..]), found["int8"]["found"].as_u64().unwrap() as usize);
    // The labels may be left out.
    fs::remove_file(workshop.path("d/y_train.npy")).unwrap();
    fs::remove_file(workshop.path("d/y_test.npy")).unwrap();
    let (said, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(said.contains("             -"), "{said}");
}

#[test]
fn what_predict_cannot_read_is_named() {
    let workshop = Workshop::with_model();
    fs::write(workshop.path("notes.txt"), "none").unwrap();
    let said = error(&mut workshop.trainer(["predict", "out/model.kndl", "notes.txt"]));
    assert!(
        said.ends_with("nor an array of inputs (.npy), nor a series (.csv): convert it"),
        "{said}"
    );
    fs::write(workshop.path("five.npy"), npy("(1, 5)", &[0.0; 5])).unwrap();
    let said = error(&mut workshop.trainer(["predict", "out/model.kndl", "five.npy"]));
    assert!(said.contains("five.npy: its shape is 1 x 5: the model takes 8x8x1"), "{said}");
}
