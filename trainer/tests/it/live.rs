//! The page on which a model answers, in a browser without a window: what it computes is what the
//! host computes, and it does what it is asked by pointer and keys. `trainer try` serves it.
//!
//! Without a browser the tests say so and pass.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infer::{Model, Observer, Reference, Scores, Session};
use serde_json::{Value, json};
use trainer::data::DataDir;
use trainer::data::appearance::Appearance;
use trainer::data::picture::{Invert, Look, Picture};
use trainer::live::page::TryPage;
use trainer::live::{Sample, Subject};
use trainer::model_file::ModelTable;

use crate::browser::{browser, in_page};
use crate::common::{Workshop, run};

/// Test images.
const IMAGES: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All that the layers make, and the scores, as the host has them.
#[derive(Default)]
struct Maps(Vec<Vec<i8>>);

impl Observer for Maps {
    fn after(
        &mut self,
        index: usize,
        _: &infer::Layer<'_>,
        _: std::ops::Range<u16>,
        values: &[i8],
    ) {
        self.0.resize(self.0.len().max(index + 1), Vec::new());
        self.0[index].extend(values);
    }
}

/// Scores and a checksum of all maps, by the reference.
fn on_host(model: &Model<'_>, image: &[u8]) -> (Vec<i8>, u64) {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).unwrap();
    let mut maps = Maps::default();
    let scores = session.run_stored::<Reference>(image, &mut maps).unwrap().values().to_vec();
    let sum = maps
        .0
        .concat()
        .iter()
        .fold(0u64, |sum, value| (sum * 31 + (*value as i64 + 128) as u64) % 1_000_000_007);
    (scores, sum)
}

/// The same checksum in JavaScript; a product of both fits 53 bits.
const CHECKSUM: &str = "const checksum = (maps) => maps.reduce((sum, value) =>
    (sum * 31 + value + 128) % 1000000007, 0);";

fn numbers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

fn same_as_host(answer: &Value, model: &Model<'_>, image: &[u8], what: &str) {
    let (scores, sum) = on_host(model, image);
    assert_eq!(numbers(&answer["scores"]), scores.iter().map(|s| *s as i64).collect::<Vec<_>>());
    assert_eq!(answer["checksum"].as_u64(), Some(sum), "{what}");
    assert_eq!(answer["is_reference"], json!(true), "{what}");
}

/// The tutorial's model with MNIST's appearance, and what `check` does with its page.
fn with_tutorial(check: impl FnOnce(&Model<'_>, &Look, &DataDir, String)) {
    let file = fs::read(root().join("firmware-example/model/tutorial.kndl")).unwrap();
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let data = DataDir::load(&DataDir::default_path()).unwrap();
    let appearance = Appearance::of(data.train.shape, &data.train.pixels);
    let look = Look { appearance, ..Look::default() };
    let sample = |index: usize| Sample { label: index.to_string(), image: data.test.image(index) };
    let samples: Vec<_> = (0..IMAGES).map(sample).collect();
    let subject = Subject {
        file: &file,
        model: &model,
        look: &look,
        classes: &[],
        scales: &[],
        channels: &[],
        samples: &samples,
    };
    let html = TryPage::of("tutorial", &subject).to_html();
    check(&model, &look, &data, html);
}

#[test]
fn the_page_answers_test_images_as_the_host_does() {
    let Some(browser) = browser() else { return };
    with_tutorial(|model, _, data, html| {
        let script = format!(
            "{CHECKSUM}
             return page.facts.samples.map(({{ image }}) => {{
                 const bytes = Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0));
                 const {{ scores, maps }} = page.engine.run(bytes);
                 const is_reference = page.engine.isReference(bytes);
                 return {{ scores: [...scores], checksum: checksum(maps), is_reference }};
             }});"
        );
        let answers = in_page(&browser, &html, &Value::Null, &script);
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), IMAGES);
        for (index, answer) in answers.iter().enumerate() {
            same_as_host(answer, model, data.test.image(index), &index.to_string());
        }
    });
}

/// Every operator that models of the corpus have, with whole maps and with some rows of them.
#[test]
fn models_of_every_kind_run_in_the_page() {
    let Some(browser) = browser() else { return };
    let folder = fs::read_dir(root().join("tests/fuzz/corpus/model")).unwrap();
    let files = folder.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let is_model = |file: &Vec<u8>| Model::from_bytes(file, &mut ModelTable::new()).is_ok();
    let files: Vec<Vec<u8>> = files.filter(is_model).collect();
    let image = |model: &Model<'_>| -> Vec<u8> {
        (0..model.image_shape().len()).map(|place| (place * 37 % 256) as u8).collect()
    };
    let given = files.iter().map(|file| {
        let mut table = ModelTable::new();
        let model = Model::from_bytes(file, &mut table).unwrap();
        json!([STANDARD.encode(file), STANDARD.encode(image(&model))])
    });
    let given: Vec<Value> = given.collect();
    let script = format!(
        "{CHECKSUM}
         const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
         const answers = [];
         for (const [file, image] of given) {{
             const engine = await page.open(bytes(file), {{ resize: 2 }});
             const {{ scores, maps }} = engine.run(bytes(image));
             const is_reference = engine.isReference(bytes(image));
             answers.push({{ scores: [...scores], checksum: checksum(maps), is_reference }});
         }}
         return answers;"
    );
    with_tutorial(|_, _, _, html| {
        let answers = in_page(&browser, &html, &json!(given), &script);
        assert!(files.len() > 20, "{} models", files.len());
        for (file, answer) in files.iter().zip(answers.as_array().unwrap()) {
            let mut table = ModelTable::new();
            let model = Model::from_bytes(file, &mut table).unwrap();
            same_as_host(answer, &model, &image(&model), &format!("{} bytes", file.len()));
        }
    });
}

/// A digit on paper, three times as large, dark on light.
fn on_paper(pixels: &[u8]) -> Picture {
    let pixel = |place: usize| {
        let (row, column) = (place / 84 / 3, place % 84 / 3);
        230 - (pixels[row * 28 + column] as u32 * 200 / 255) as u8
    };
    Picture { height: 84, width: 84, channels: 1, pixels: (0..84 * 84).map(pixel).collect() }
}

#[test]
fn a_picture_becomes_the_same_image_as_on_the_host() {
    let Some(browser) = browser() else { return };
    with_tutorial(|model, look, data, html| {
        let pictures: Vec<Picture> =
            (0..20).map(|index| on_paper(data.test.image(index))).collect();
        let given: Vec<String> =
            pictures.iter().map(|picture| STANDARD.encode(&picture.pixels)).collect();
        let script = "return given.map((text) => {
            const pixels = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            return [...page.engine.fit(84, 84, 1, pixels).image];
        });";
        let images = in_page(&browser, &html, &json!(given), script);
        for (picture, image) in pictures.iter().zip(images.as_array().unwrap()) {
            let fitted = picture.fit(model.image_shape(), Invert::Auto, look).unwrap();
            let expected: Vec<i64> = fitted.pixels.iter().map(|pixel| *pixel as i64).collect();
            assert_eq!(numbers(image), expected);
            assert!(expected.iter().any(|pixel| *pixel > 200), "light strokes on dark");
        }
    });
}

/// Draws a vertical line by mouse, by finger and by keys.
const DRAW: &str = "
    const pad = document.getElementById('try-pad');
    const box = pad.getBoundingClientRect();
    const verdict = () => document.getElementById('try-verdict').textContent;
    const parity = async () => {
        await new Promise((done) => setTimeout(done, 500));
        return document.getElementById('try-parity').textContent;
    };
    document.getElementById('try-clear').click();
    const cleared = verdict();
    const point = (pointerType, type, y) => pad.dispatchEvent(new PointerEvent(type, {
        pointerType, pointerId: 1, button: 0, bubbles: true,
        clientX: box.left + box.width / 2, clientY: box.top + y * box.height }));
    const line = (pointerType) => {
        point(pointerType, 'pointerdown', 0.2);
        for (let y = 0.2; y < 0.8; y += 0.02) point(pointerType, 'pointermove', y);
        point(pointerType, 'pointerup', 0.8);
        return verdict();
    };
    const [by_mouse, compared] = [line('mouse'), await parity()];
    document.getElementById('try-undo').click();
    const undone = verdict();
    const by_touch = line('touch');
    document.getElementById('try-clear').click();
    const key = (name) => pad.dispatchEvent(new KeyboardEvent('keydown', { key: name }));
    for (let step = 0; step < 10; step += 1) key('ArrowUp');
    key(' ');
    for (let step = 0; step < 20; step += 1) key('ArrowDown');
    const by_keys = verdict();
    return { cleared, by_mouse, compared, undone, by_touch, by_keys };";

#[test]
fn a_line_that_is_drawn_is_a_one() {
    let Some(browser) = browser() else { return };
    with_tutorial(|_, _, _, html| {
        let answer = in_page(&browser, &html, &Value::Null, DRAW);
        assert_eq!((&answer["cleared"], &answer["undone"]), (&json!("–"), &json!("–")));
        for drawn in ["by_mouse", "by_touch", "by_keys"] {
            assert!(answer[drawn].as_str().unwrap().starts_with("1, "), "{answer}");
        }
        let compared = answer["compared"].as_str().unwrap();
        assert!(compared.ends_with("bytes of all layers are the reference's"), "{answer}");
    });
}

#[test]
fn the_plan_is_shown_step_by_step_and_core_by_core() {
    let Some(browser) = browser() else { return };
    let script = "
        const text = (id) => document.getElementById(id).textContent;
        const slider = document.getElementById('plan-step');
        const step = (to) => {
            slider.value = to;
            slider.dispatchEvent(new Event('input'));
            return text('plan-now');
        };
        const [first, last] = [step(0), step(slider.max)];
        const core = document.getElementById('plan-core');
        const begun = text('plan-chosen');
        core.selectedIndex = 0;
        core.dispatchEvent(new Event('change'));
        const costs = [...document.querySelectorAll('#plan-costs th')].map((th) => th.textContent);
        return { first, last, begun, other: text('plan-chosen'), costs,
            points: document.querySelectorAll('#plan-front .point').length,
            layers: page.facts.layers.map(({ name }) => name) };";
    with_tutorial(|_, _, _, html| {
        let answer = in_page(&browser, &html, &Value::Null, script);
        let text = |name: &str| answer[name].as_str().unwrap();
        assert!(text("first").starts_with("Step 1 of ") && text("first").contains("image gives"));
        assert!(text("last").contains("makes row"), "{answer}");
        assert!(text("begun").contains(" instructions, ") && text("begun") != text("other"));
        assert!(answer["points"].as_u64().unwrap() > 5, "{answer}");
        let (costs, layers) = (answer["costs"].as_array().unwrap(), answer["layers"].as_array());
        assert_eq!(&costs[..costs.len() - 1], layers.unwrap());
    });
}

/// The answer to a request for a path, by a host name.
fn requested(port: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// `trainer try` of a model, and the port that it prints.
struct Try {
    server: Child,
    port: String,
}

impl Try {
    fn start(model: &Path) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
        command.args(["try", "--no-open"]).arg(model).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/\n"));
        let port = port.unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { server, port }
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn try_serves_the_page_to_this_machine() {
    let Try { port, .. } = &Try::start(&root().join("firmware-example/model/tutorial.kndl"));
    let page = requested(port, "/", "127.0.0.1");
    let (missing, foreign) =
        (requested(port, "/x", "127.0.0.1"), requested(port, "/", "evil.example"));
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</html>"), "{}", page.len());
    assert!(page.contains("<h1>tutorial.kndl</h1>") && page.len() < 2_000_000);
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    assert!(foreign.starts_with("HTTP/1.1 421 "), "{foreign}");
}

/// Two maps of int8 values, which no camera gives: the page takes them as rows of values.
#[test]
fn an_imported_model_answers_in_the_page() {
    imported_in_the_page("scores.tflite", "11 rows of 18 values");
}

/// The probabilities are those that its softmax makes in integers.
#[test]
fn an_imported_softmax_answers_in_the_page() {
    imported_in_the_page("classes.tflite", "6 rows of 10 values");
}

/// The page shows the error that the host finds for the same input, whose int8 values have a scale
/// of their own.
#[test]
fn an_imported_autoencoder_answers_in_the_page() {
    let Some(browser) = browser() else { return };
    let workshop = Workshop::new();
    let path = root().join("trainer/fixtures/autoencoder.tflite");
    let import = ["import", path.to_str().unwrap(), "--task", "reconstruct", "--out", "model.kndl"];
    run(&mut workshop.trainer(import), 0);
    let path = workshop.path("model.kndl");
    let answer = requested(&Try::start(&path).port, "/", "127.0.0.1");
    let (_, html) = answer.split_once("\r\n\r\n").unwrap();
    let script = "return document.getElementById('try-verdict').textContent;";
    let shown: f32 =
        in_page(&browser, html, &Value::Null, script).as_str().unwrap().parse().unwrap();
    let (file, mut table) = (fs::read(&path).unwrap(), ModelTable::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let stored = model.self_test().unwrap().image;
    let values: Vec<i8> = stored.iter().map(|value| (value ^ 0x80) as i8).collect();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let error = session.reconstruct(&values).unwrap().error;
    assert!((shown / error - 1.0).abs() < 0.01, "{shown}, {error}");
}

fn imported_in_the_page(network: &str, shape: &str) {
    let Some(browser) = browser() else { return };
    let workshop = Workshop::new();
    let path = root().join("trainer/fixtures").join(network);
    run(&mut workshop.trainer(["import", path.to_str().unwrap(), "--out", "model.kndl"]), 0);
    let path = workshop.path("model.kndl");
    let answer = requested(&Try::start(&path).port, "/", "127.0.0.1");
    let (_, html) = answer.split_once("\r\n\r\n").unwrap();
    let script = format!(
        "{CHECKSUM}
         const [{{ image }}] = page.facts.samples;
         const bytes = Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0));
         const {{ scores, probabilities, maps }} = page.engine.run(bytes);
         const text = (id) => document.getElementById(id).textContent;
         return {{ scores: [...scores], probabilities: [...probabilities], checksum: checksum(maps),
             is_reference: page.engine.isReference(bytes), shape: text('try-shape'),
             verdict: text('try-verdict'),
             layers: document.querySelectorAll('#try-maps figure').length }};"
    );
    let answer = in_page(&browser, html, &Value::Null, &script);
    let (file, mut table) = (fs::read(&path).unwrap(), ModelTable::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let image = model.self_test().unwrap().image;
    same_as_host(&answer, &model, image, network);
    assert_eq!(answer["shape"], shape);
    assert_eq!(answer["layers"].as_u64(), Some(model.layers().len() as u64));
    let (scores, _) = on_host(&model, image);
    let scores = Scores::new(&scores, model.output_quant());
    let probabilities: Vec<f32> = scores.probabilities().collect();
    let shown = answer["probabilities"].as_array().unwrap();
    let shown: Vec<f32> = shown.iter().map(|value| value.as_f64().unwrap() as f32).collect();
    assert_eq!(shown, probabilities, "{network}");
    let best = scores.class();
    let verdict = format!("{best}, {:.1}", 100.0 * probabilities[best]);
    assert!(answer["verdict"].as_str().unwrap().starts_with(&verdict), "{verdict}: {answer}");
}

#[test]
fn try_says_what_is_wrong() {
    let workshop = Workshop::new();
    let missing = crate::common::error(&mut workshop.trainer(["try", "none.kndl"]));
    assert!(missing.starts_with("none.kndl: cannot be read: "), "{missing}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let model = root().join("firmware-example/model/tutorial.kndl");
    let model = model.to_str().unwrap();
    let busy = crate::common::error(&mut workshop.trainer(["try", model, "--port", &port]));
    assert!(busy.starts_with(&format!("no page on port {port}: ")), "{busy}");
}
