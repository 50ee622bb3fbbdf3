//! Networks that answer real values, and autoencoders: from `new` to the report, as typed. The
//! report answers in a browser as the host does; without a browser that part is left out.

use std::fs;

use infer::{Model, Session};
use serde_json::{Value, json};
use trainer::model_file::ModelTable;

use crate::browser::{browser, in_page};
use crate::common::{Workshop, error, noise, run};

/// An `.npy` file of f32, version 1.
fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    npy_of("<f4", shape, &values)
}

/// An `.npy` file of numbers of a type.
fn npy_of(element: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
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
    assert!(report.contains("Wanted and answered values") && !report.contains("Confusion"));
    assert!(report.contains("\"gives\":\"reals\""));
    let (said, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(said.contains("\ny      int8 "), "{said}");
    fs::write(workshop.path("one.csv"), "b,a\n0.5,0.5\n").unwrap();
    let (said, _) = run(&mut workshop.trainer(["predict", "out/model.kndl", "one.csv"]), 0);
    let answer: f64 = said.trim().strip_prefix("one.csv row 1: y ").unwrap().parse().unwrap();
    assert!((answer - 1007.5).abs() < 5.0, "{said}");
    values_are_answered_in_the_page(&report, answer);
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

/// The values of a table and of sliders, whose answer the host gives too. The table's first line
/// names its columns, one of which holds words.
const VALUES: &str = "
    const verdict = () => document.getElementById('try-verdict').textContent;
    const parity = async () => {
        await new Promise((done) => setTimeout(done, 500));
        return document.getElementById('try-parity').textContent;
    };
    const area = document.getElementById('try-text');
    const type = (text) => {
        area.value = text;
        area.dispatchEvent(new Event('input'));
        return verdict();
    };
    const table = type('who,b,a\\nAnn,0.5,0.5\\n');
    const compared = await parity();
    const other = type('0.1, 0.9');
    for (const slider of document.querySelectorAll('#try-sliders input')) {
        slider.value = 0.5;
        slider.dispatchEvent(new Event('input'));
    }
    const by_sliders = verdict();
    type('a,b\\n1\\n');
    return { table, other, by_sliders, compared,
        note: document.getElementById('try-note').textContent };";

fn values_are_answered_in_the_page(report: &str, expected: f64) {
    let Some(browser) = browser() else { return };
    let answer = in_page(&browser, report, &Value::Null, VALUES);
    let number = |name: &str| answer[name].as_str().unwrap().parse::<f64>().unwrap();
    for way in ["table", "by_sliders"] {
        // The page shows four digits, the host up to five.
        assert!((number(way) - expected).abs() < 0.6, "{expected}: {answer}");
    }
    assert!((number("other") - expected).abs() > 5.0, "{answer}");
    assert_eq!(answer["note"], "0 rows: the model takes 1 of 2 values", "{answer}");
    let compared = answer["compared"].as_str().unwrap();
    assert!(compared.ends_with("bytes of all layers are the reference's"), "{answer}");
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

/// Each sample of a report with its verdict and its error.
const ERRORS: &str = "
    const text = (id) => document.getElementById(id).textContent;
    const answers = [];
    for (let shown = 0; shown < page.facts.samples.length; shown += 1) {
        const error = document.querySelector('#try-scores td').textContent;
        const { hidden } = document.getElementById('try-made');
        answers.push({ sample: text('try-sample'), verdict: text('try-verdict'), error, hidden });
        document.getElementById('try-next').click();
    }
    return answers;";

/// `lines` are what the host says of each test input.
fn errors_are_those_of_the_host(report: &str, lines: &[&str]) {
    let Some(browser) = browser() else { return };
    let answers = in_page(&browser, report, &Value::Null, ERRORS);
    let answers = answers.as_array().unwrap();
    assert!(answers.len() >= 10, "{answers:?}");
    for answer in answers {
        let sample = answer["sample"].as_str().unwrap();
        let number = sample.split("test image ").nth(1).unwrap().split(',').next().unwrap();
        let line = lines[number.parse::<usize>().unwrap()];
        let verdict = answer["verdict"].as_str().unwrap();
        assert!(line.contains(&format!(": {verdict}, error ")), "{line}: {answer}");
        let error = |text: &str| text.split(' ').next().unwrap().parse::<f64>().unwrap();
        let on_host = error(line.split("error ").nth(1).unwrap());
        let in_page = error(answer["error"].as_str().unwrap());
        assert!((in_page / on_host - 1.0).abs() < 0.01, "{line}: {answer}");
        assert_eq!(answer["hidden"], json!(false));
    }
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
    assert!(report.contains("Errors of usual and unusual images"));
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
    errors_are_those_of_the_host(&report, &lines);
    // The labels may be left out.
    fs::remove_file(workshop.path("d/y_train.npy")).unwrap();
    fs::remove_file(workshop.path("d/y_test.npy")).unwrap();
    let (said, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(said.contains("             -"), "{said}");
}

/// Inputs of `autoencoder.tflite`, six values each, within and beyond what int8 holds of them.
fn autoencoder_inputs(count: usize) -> Vec<f32> {
    let mut noise = noise(3);
    (0..6 * count).map(|_| 5.0 * noise() as f32 - 2.0).collect()
}

/// The error of each input, as a chip computes it.
fn errors_on_chip(file: &[u8], inputs: &[f32]) -> Vec<(Vec<i8>, f32)> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let mut error = |input: &[f32]| {
        let quant = model.input().tensor.quant;
        let stored: Vec<i8> = input.iter().map(|value| quant.quantise(*value)).collect();
        let error = session.reconstruct(&stored).unwrap().error;
        (stored, error)
    };
    inputs.chunks_exact(6).map(&mut error).collect()
}

/// An int8 file does not say that its network makes its input once more: `--task` does.
#[test]
fn an_imported_autoencoder_answers_with_its_error() {
    let workshop = Workshop::new();
    let fixture = |name: &str| format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let import =
        ["import", &fixture("autoencoder.tflite"), "--task", "reconstruct", "--out", "model.kndl"];
    run(&mut workshop.trainer(import), 0);
    let (said, _) = run(&mut workshop.trainer(["inspect", "model.kndl"]), 0);
    assert!(said.contains("a reconstruction of 6 values"), "{said}");
    let inputs = autoencoder_inputs(20);
    let on_chip = errors_on_chip(&fs::read(workshop.path("model.kndl")).unwrap(), &inputs);
    // As real values, and as the int8 values that the network reads.
    fs::write(workshop.path("real.npy"), npy("(20, 6)", &inputs)).unwrap();
    let stored: Vec<u8> = on_chip.iter().flat_map(|(of, _)| of).map(|of| *of as u8).collect();
    fs::write(workshop.path("int8.npy"), npy_of("|i1", "(20, 6)", &stored)).unwrap();
    for file in ["real.npy", "int8.npy"] {
        let (said, _) = run(&mut workshop.trainer(["predict", "model.kndl", file]), 0);
        let errors =
            said.lines().map(|line| line.rsplit("error ").next().unwrap().parse().unwrap());
        let errors: Vec<f32> = errors.collect();
        assert_eq!(errors.len(), on_chip.len());
        for (shown, (_, error)) in errors.iter().zip(&on_chip) {
            assert!((shown / error - 1.0).abs() < 0.01, "{file}: {error}: {said}");
        }
    }
    fs::create_dir(workshop.path("d")).unwrap();
    for part in ["train", "test"] {
        fs::copy(workshop.path("real.npy"), workshop.path(&format!("d/x_{part}.npy"))).unwrap();
    }
    let (said, _) = run(&mut workshop.trainer(["eval", "model.kndl", "--data", "d"]), 0);
    let mean = on_chip.iter().map(|(_, error)| error).sum::<f32>() / on_chip.len() as f32;
    let shown = said.split_whitespace().skip_while(|word| *word != "int8").skip(1);
    let shown: Vec<f32> = shown.filter_map(|word| word.parse().ok()).collect();
    assert!(shown.iter().any(|shown| (shown / mean - 1.0).abs() < 0.01), "{mean}: {said}");
}

/// What makes something else than its input is no autoencoder.
#[test]
fn a_classifier_is_no_autoencoder() {
    let workshop = Workshop::new();
    let classes = format!("{}/fixtures/classes.tflite", env!("CARGO_MANIFEST_DIR"));
    let import = ["import", &classes, "--task", "reconstruct", "--out", "model.kndl"];
    let said = error(&mut workshop.trainer(import));
    assert!(said.contains("the network takes 60 values and makes 3: --task reconstruct"), "{said}");
    assert!(!workshop.path("model.kndl").exists());
    let import = ["import", &classes, "--task", "regress", "--out", "model.kndl"];
    run(&mut workshop.trainer(import), 0);
    let (said, _) = run(&mut workshop.trainer(["inspect", "model.kndl"]), 0);
    assert!(said.contains("3 real values"), "{said}");
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
