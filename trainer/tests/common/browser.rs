//! A page in a browser without a window. Without a browser the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use trainer::live::ENGINE;

/// A freshly built engine, to be tested in place of the one in the repository.
const FRESH: &str = "KINDLING_ENGINE";

/// Names of the browser.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The browser's program.
pub fn browser() -> Option<PathBuf> {
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
pub fn in_page(browser: &Path, html: &str, given: &Value, script: &str) -> Value {
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
