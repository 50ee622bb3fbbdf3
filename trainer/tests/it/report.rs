//! `report.html` as a run leaves it: whole, closed in itself, and in agreement with `metrics.json`.

use std::fs;

use crate::common::{self, TEST_IMAGES, Workshop};
use serde_json::Value;

/// Largest report, bytes.
const BYTES_MAX: usize = 2_000_000;

fn report(workshop: &Workshop) -> String {
    fs::read_to_string(workshop.path("out/report.html")).unwrap()
}

fn metrics(workshop: &Workshop) -> Value {
    serde_json::from_slice(&fs::read(workshop.path("out/metrics.json")).unwrap()).unwrap()
}

/// The report of a run with few epochs, so that there are mistakes to show.
fn with_mistakes() -> Workshop {
    let workshop = Workshop::new();
    workshop
        .trainer(["train", "small.toml", "--data", "data", "-q", "--epochs", "1", "--lr", "0.0005"])
        .assert()
        .success();
    workshop
}

/// Values of an attribute, in order.
fn attributes<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// `<dd class="value …">` with the narrow space before the unit.
fn headline(html: &str) -> Vec<&str> {
    let values = html.split("<dd class=\"value").skip(1);
    values.map(|rest| rest.split('>').nth(1).unwrap().split('<').next().unwrap()).collect()
}

/// The page without its scripts, which hold what no page shows.
fn without_scripts(html: &str) -> String {
    let mut parts = html.split("<script");
    let head = parts.next().unwrap().to_owned();
    head + &parts.map(|part| part.split_once("</script>").unwrap().1).collect::<String>()
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = report(&with_mistakes());
    for outside in ["http:", "https:", "//www", "@import", "<link", "<iframe", "fetch("] {
        assert!(!html.contains(outside), "{outside}");
    }
    for address in [attributes(&html, "src"), attributes(&html, "href")].concat() {
        assert!(
            address.starts_with("data:image/png;base64,") || address.starts_with('#'),
            "{address}"
        );
    }
    let pictures: Vec<_> = html.split("url(").skip(1).map(|rest| &rest[1..6]).collect();
    assert!(
        !pictures.is_empty() && pictures.iter().all(|address| *address == "data:"),
        "{pictures:?}"
    );
    assert!(html.len() < BYTES_MAX, "{} bytes", html.len());
}

/// The tests' data set is not MNIST, and figures of others are for MNIST.
#[test]
fn no_peers_of_mnist_stand_beside_another_data_set() {
    let html = report(&with_mistakes());
    assert!(!html.contains("peers") && !html.contains("CMSIS"));
}

#[test]
fn links_lead_to_places_of_the_page() {
    let html = report(&with_mistakes());
    let places = attributes(&html, "id");
    let links = attributes(&html, "href");
    assert!(links.len() > 5);
    assert!(links.iter().all(|link| places.contains(&&link[1..])), "{links:?} to {places:?}");
}

#[test]
fn the_figures_are_those_of_the_metrics() {
    let workshop = with_mistakes();
    let (html, metrics) = (report(&workshop), metrics(&workshop));
    let percent = |name: &str| format!("{:.2}\u{202f}%", 100.0 * metrics[name].as_f64().unwrap());
    let bytes = |name: &str| metrics[name].as_u64().unwrap();
    let grouped = |number: u64| trainer::terminal::number::grouped(number);
    let expected = [
        percent("int8_test_accuracy"),
        percent("float_test_accuracy"),
        percent("agreement"),
        grouped(bytes("model_bytes")) + "&#8239;B",
        grouped(bytes("arena_bytes")) + "&#8239;B",
        grouped(bytes("macs")),
    ];
    assert_eq!(headline(&html), expected);
    let errors = [percent("float_calibration_error"), percent("int8_calibration_error")];
    assert!(html.contains(&format!(
        "float {}</span>, <span class=\"int8\">int8 {}</span>",
        errors[0], errors[1]
    )));
    assert!(html.contains(&format!("measured once on {TEST_IMAGES} test images, ")));
}

/// Both matrices of the page, cell by cell.
#[test]
fn the_matrices_are_those_of_the_metrics() {
    let workshop = with_mistakes();
    let (html, metrics) = (report(&workshop), metrics(&workshop));
    for (name, key) in [("float", "float_confusion"), ("int8", "confusion")] {
        let title = format!("Confusion matrix of the {name} model");
        let table = html.split(&title).nth(1).unwrap().split("</table>").next().unwrap();
        let cells = table.split("<td class=\"").skip(1).map(|cell| {
            let (class, rest) = cell.split_once("\">").unwrap();
            (class, rest.split('<').next().unwrap())
        });
        let counts = cells
            .filter(|(class, _)| *class != "number")
            .map(|(_, text)| text.parse().unwrap_or(0));
        let rows = metrics[key].as_array().unwrap().iter();
        let expected: Vec<u64> = rows
            .flat_map(|row| row.as_array().unwrap())
            .map(|count| count.as_u64().unwrap())
            .collect();
        assert_eq!(counts.collect::<Vec<u64>>(), expected, "{name}");
        assert_eq!(expected.iter().sum::<u64>(), TEST_IMAGES as u64);
    }
}

/// What a browser computes with: the model file itself, and what is known of it.
#[test]
fn the_model_is_in_the_page() {
    use base64::Engine;
    let workshop = with_mistakes();
    let html = report(&workshop);
    let script = |id: &str| {
        let (_, rest) = html.split_once(&format!("id=\"{id}\">")).unwrap();
        rest.split_once("</script>").unwrap().0.to_owned()
    };
    let model = fs::read(workshop.path("out/model.kndl")).unwrap();
    let engine = base64::engine::general_purpose::STANDARD;
    assert_eq!(engine.decode(script("live-model")).unwrap(), model);
    let facts: Value = serde_json::from_str(&script("live-facts")).unwrap();
    let samples = facts["samples"].as_array().unwrap();
    let labels: Vec<&str> =
        samples.iter().map(|sample| sample["label"].as_str().unwrap()).collect();
    assert_eq!((labels.len(), &labels[..4]), (20, &["0", "1", "2", "0"][..]));
    assert_eq!(facts["cores"].as_array().unwrap().len(), 5);
    let is_file = |plan: &Value| plan["is_file"] == Value::Bool(true);
    for core in facts["cores"].as_array().unwrap() {
        let plans = core["plans"].as_array().unwrap();
        assert_eq!(plans.iter().filter(|plan| is_file(plan)).count(), 1, "{core}");
    }
}

/// Nearly everything wrong, and pictures that do not compress: the page stays small and says what
/// it leaves out.
#[test]
fn a_hopeless_model_has_a_small_report() {
    let workshop = Workshop::new();
    let mut noise = 1u32;
    let mut byte = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    };
    for (part, images) in [("train", 100), ("t10k", 3000)] {
        let pixels: Vec<u8> = (0..images * 28 * 28 * 3).map(|_| byte()).collect();
        let labels: Vec<u8> = (0..images).map(|_| byte() % 20).collect();
        let write = |name: &str, bytes| {
            fs::write(workshop.path(&format!("data/{part}-{name}-ubyte")), bytes).unwrap()
        };
        fs::remove_file(workshop.path(&format!("data/{part}-images-idx3-ubyte"))).unwrap();
        write("images-idx4", common::idx(&[images, 28, 28, 3], &pixels));
        write("labels-idx1", common::idx(&[images], &labels));
    }
    let preset = common::PRESET
        .replace("height = 8\nwidth = 8\nchannels = 1", "height = 28\nwidth = 28\nchannels = 3");
    fs::write(workshop.path("noise.toml"), preset.replace("units = 3", "units = 20")).unwrap();
    workshop
        .trainer(["train", "noise.toml", "--data", "data", "-q", "--epochs", "1"])
        .assert()
        .success();
    let html = report(&workshop);
    assert!(html.len() < BYTES_MAX, "{} bytes", html.len());
    let wrong = ((1.0 - metrics(&workshop)["int8_test_accuracy"].as_f64().unwrap()) * 3000.0)
        .round() as usize;
    let shown = attributes(&html, "data-wrong").len();
    assert!(wrong > 2500 && (100..1000).contains(&shown), "{shown} of {wrong}");
    assert!(
        html.contains(" more without a picture, by number")
            && html.contains("The most frequent mistakes")
    );
}

#[test]
fn every_mistake_is_there() {
    let workshop = with_mistakes();
    let (html, metrics) = (report(&workshop), metrics(&workshop));
    let wrong = |share: &str| {
        ((1.0 - metrics[share].as_f64().unwrap()) * TEST_IMAGES as f64).round() as usize
    };
    let (float, int8) = (wrong("float_test_accuracy"), wrong("int8_test_accuracy"));
    let shown: Vec<usize> =
        attributes(&html, "data-wrong").iter().map(|number| number.parse().unwrap()).collect();
    assert!(float > 0 && int8 > 0, "a run that shows nothing proves nothing");
    assert!((float.max(int8)..=float + int8).contains(&shown.len()), "{float}, {int8}, {shown:?}");
    let different =
        ((1.0 - metrics["agreement"].as_f64().unwrap()) * TEST_IMAGES as f64).round() as usize;
    assert_eq!(attributes(&html, "data-differing").len(), different);
    let mut once = shown.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), shown.len());
}

/// A hostile preset name, layer name and folder name end up as text.
#[cfg(unix)]
#[test]
fn names_are_escaped() {
    let workshop = Workshop::new();
    let hostile = "<script>alert('x')<\"&.toml";
    let preset =
        common::PRESET.replace("filters = 4", "filters = 4\nname = '''<b onload=\"x\">'&'''");
    // A slash would be a folder: the file's name holds everything else.
    fs::write(workshop.path(hostile), preset).unwrap();
    let out = "<i>'\"";
    workshop.trainer(["train", hostile, "--data", "data", "-q", "--out", out]).assert().success();
    let html = fs::read_to_string(workshop.path(out).join("report.html")).unwrap();
    for raw in ["<script>", "<b onload", "alert('x')<", "<i>"] {
        assert!(!html.contains(raw), "{raw}");
    }
    assert!(html.contains("\\u003cb onload="), "in the facts of the model");
    let html = without_scripts(&html);
    assert!(html.contains("&#60;script&#62;alert(&#39;x&#39;)&#60;&#34;&#38;.toml"), "as text");
    assert!(html.contains("&lt;b onload="), "in the charts");
    // Attributes end where they should: every quote that opens one closes it.
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    assert!(tags.clone().all(|tag| tag.matches('"').count().is_multiple_of(2)));
}

/// One seed is one report, apart from what stands in `<time>`.
#[test]
fn two_runs_differ_in_their_times_only() {
    let first = report(&with_mistakes());
    let timeless = |html: &str| {
        let mut parts = html.split("<time>");
        let head = parts.next().unwrap().to_owned();
        head + &parts.map(|part| part.split_once("</time>").unwrap().1).collect::<String>()
    };
    assert!(first.contains("<time>"));
    // Short runs take equally long to the hundredth: whatever is a time must be marked all the
    // same.
    assert!(!timeless(&first).contains("\u{202f}s<"));
    assert_eq!(timeless(&first), timeless(&report(&with_mistakes())));
}

/// The int8 maps resemble the float ones, layer by layer: another image's map would be as far from
/// it as 0 dB.
#[test]
fn every_layer_is_compared_with_its_own_float_map() {
    let html = report(&Workshop::with_model());
    let values = html.split("signal to noise</dt><dd>").skip(1);
    let decibels: Vec<f64> =
        values.map(|rest| rest.split('\u{202f}').next().unwrap().parse().unwrap()).collect();
    assert_eq!(decibels.len(), 2);
    assert!(decibels.iter().all(|decibel| (20.0..80.0).contains(decibel)), "{decibels:?}");
}

#[test]
fn the_command_and_the_checksums_are_those_of_the_run() {
    use sha2::{Digest, Sha256};
    let workshop = with_mistakes();
    let html = report(&workshop);
    assert!(html.contains(
        "<pre>cargo run --release -p trainer -- train small.toml --data data -q --epochs 1 --lr \
            0.0005</pre>"
    ));
    for file in ["out/model.kndl", "data/train-images-idx3-ubyte", "data/t10k-labels-idx1-ubyte"] {
        let digest = Sha256::digest(fs::read(workshop.path(file)).unwrap());
        let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(html.contains(&expected), "{file}");
    }
}
