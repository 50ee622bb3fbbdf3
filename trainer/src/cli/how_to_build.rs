//! What a firmware's files say for a plan: whole, to be pasted.

use std::path::Path;

use toml::Value;

use crate::plan::{Core, Loading, Plan};
use crate::terminal::number::grouped;

/// The lines for `Cargo.toml` and for cargo's configuration, and the command that builds.
pub(super) fn text(core: Core, plan: &Plan) -> String {
    let loaded = match plan.loading {
        Loading::OnChip => "Model::from_bytes loads it on the chip.",
        Loading::BuiltIn => "infer::build::embed builds it in, Session::new(NETWORK, ...) runs it.",
    };
    let target = core.compilation().target;
    format!(
        "For this plan, in your firmware's Cargo.toml:\n\n{}{}\
         and build it by `cargo build --release --target {target}`. {loaded}\n\
         Run step by step, its longest step takes {} instructions.\n",
        manifest(core, plan),
        configuration(core),
        grouped(plan.longest_step.round() as u64),
    )
}

fn manifest(core: Core, plan: &Plan) -> String {
    let infer = dependency();
    let names = plan.features.names().into_iter().chain(core.compilation().feature);
    let features: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    let builder = match plan.loading {
        Loading::OnChip => String::new(),
        Loading::BuiltIn => {
            format!("[build-dependencies]\ninfer = {{ {infer}, features = [\"build\"] }}\n\n")
        }
    };
    format!(
        "[dependencies]\ninfer = {{ {infer}, default-features = false, features = [{}] }}\n\n\
         {builder}[profile.release]\nopt-level = {}\nlto = \"fat\"\ncodegen-units = 1\n\
         panic = \"abort\"\n\n",
        features.join(", "),
        plan.build.opt_level(),
    )
}

/// Where `infer` is: in the repository that this program was built in, or in the public one.
fn dependency() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("infer");
    let (key, place) = match folder.is_dir() {
        true => ("path", folder.display().to_string()),
        false => ("git", env!("CARGO_PKG_REPOSITORY").to_owned()),
    };
    format!("{key} = {}", Value::String(place))
}

/// The core, where the target is for several.
fn configuration(core: Core) -> String {
    let compilation = core.compilation();
    compilation.cpu.map_or(String::new(), |cpu| {
        format!(
            "in its .cargo/config.toml:\n\n[target.{}]\n\
             rustflags = [\"-C\", \"target-cpu={cpu}\"]\n\n",
            Value::String(compilation.target.to_owned())
        )
    })
}
