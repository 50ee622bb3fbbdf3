//! The page on which a model answers, in a browser without a window: what it computes is what the
//! host computes, and it does what it is asked by pointer and keys. `trainer try` serves it.
//!
//! Without a browser the tests say so and pass.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infer::{Model, Observer, Reference, Session};
use serde_json::{Value, json};
use tempfile::TempDir;
use trainer::data::DataDir;
use trainer::data::appearance::Appearance;
use trainer::data::picture::{Invert, Look, Picture};
use trainer::live::page::TryPage;
use trainer::live::{ENGINE, Sample, Subject};
use trainer::model_file::ModelTable;

use crate::common::Workshop;

/// A freshly built engine, to be tested in place of the one in the repository.
const FRESH: &str = "KINDLING_ENGINE";

/// Names of the browser.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Test images.
const IMAGES: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let places =
        std::env::split_paths(&folders).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    let found = places.into_iter().find(|place| place.is_file());
    if found.is_none() {
        eprintln!("skipped: no Chromium here, the page is not tested");
    }
    found
}

/// Has the engine compiled at once: the browser's clock runs ahead while it waits for another
/// thread, and its time is over before the page has begun.
const COMPILED_AT_ONCE: &str = "<head><script>
    WebAssembly.instantiate = async (bytes, imports) => ({
        instance: new WebAssembly.Instance(new WebAssembly.Module(bytes), imports) });
    </script>";

/// What `script`, the body of an async function with `page` and `given`, returns in the page.
fn in_page(browser: &Path, html: &str, given: &Value, script: &str) -> Value {
    let folder = TempDir::new().unwrap();
    let given = given.to_string().replace('<', "\\u003c");
    let test = format!(
        "<script type=\"module\">\n\
         const given = {given};\n\
         const answer = await window.kindling.then(async (page) => {{ {script} }})\n\
           .catch((error) => ({{ problem: String(error.stack ?? error) }}));\n\
         const output = document.createElement('pre');\n\
         output.id = 'answer';\n\
         const bytes = new TextEncoder().encode(JSON.stringify(answer));\n\
         output.textContent = btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));\n\
         document.body.append(output);\n\
         </script></body>"
    );
    let page = with_fresh_engine(html).replace("</body>", &test);
    let page = page.replacen("<head>", COMPILED_AT_ONCE, 1);
    let path = folder.path().join("page.html");
    fs::write(&path, page).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", path.display()))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let answer = dom.split("<pre id=\"answer\">").nth(1).expect("the page answers");
    let answer = STANDARD.decode(answer.split('<').next().unwrap()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["problem"], Value::Null, "{answer}");
    answer
}

/// The page with the engine that was built just now, where one was.
fn with_fresh_engine(html: &str) -> String {
    let Some(path) = std::env::var_os(FRESH) else { return html.to_owned() };
    let fresh = STANDARD.encode(fs::read(path).unwrap());
    html.replace(&STANDARD.encode(ENGINE), &fresh)
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

/// Draws a vertical line by pointer, then a horizontal one by keys.
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
    const point = (type, y) => pad.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, button: 0, bubbles: true,
        clientX: box.left + box.width / 2, clientY: box.top + y * box.height }));
    point('pointerdown', 0.2);
    for (let y = 0.2; y < 0.8; y += 0.02) point('pointermove', y);
    point('pointerup', 0.8);
    const [drawn, compared] = [verdict(), await parity()];
    document.getElementById('try-undo').click();
    const undone = verdict();
    const key = (name) => pad.dispatchEvent(new KeyboardEvent('keydown', { key: name }));
    for (let step = 0; step < 10; step += 1) key('ArrowUp');
    key(' ');
    for (let step = 0; step < 20; step += 1) key('ArrowDown');
    const by_keys = verdict();
    return { cleared, drawn, compared, undone, by_keys };";

#[test]
fn a_line_that_is_drawn_is_a_one() {
    let Some(browser) = browser() else { return };
    with_tutorial(|_, _, _, html| {
        let answer = in_page(&browser, &html, &Value::Null, DRAW);
        assert_eq!((&answer["cleared"], &answer["undone"]), (&json!("–"), &json!("–")));
        for drawn in ["drawn", "by_keys"] {
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

#[test]
fn try_serves_the_page_to_this_machine() {
    let model = root().join("firmware-example/model/tutorial.kndl");
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
    command.args(["try", "--no-open"]).arg(model).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/\n"));
    let port = port.unwrap_or_else(|| panic!("{line}")).to_owned();
    let page = requested(&port, "/", "127.0.0.1");
    let (missing, foreign) =
        (requested(&port, "/x", "127.0.0.1"), requested(&port, "/", "evil.example"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</html>"), "{}", page.len());
    assert!(page.contains("<h1>tutorial.kndl</h1>") && page.len() < 2_000_000);
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    assert!(foreign.starts_with("HTTP/1.1 421 "), "{foreign}");
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
