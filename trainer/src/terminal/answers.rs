//! How real values and reconstructions are answered, as tables.

use super::number::{grouped, percent_of};
use super::table::Table;
use crate::data::target::Target;
use crate::evaluate::likeness::Likeness;
use crate::evaluate::reconstruction::{Detection, Reconstruction};
use crate::evaluate::regression::{Distance, Regression};
use crate::report::value::{Decibel, Real};
use crate::terminal::number::percent;

/// Most values that are listed one by one.
const VALUES_MAX: usize = 20;

/// How far real values are from those wanted, value by value; of the float model too, where it was
/// run.
pub fn values(of: &Regression) -> String {
    let names = Target::names(&of.targets);
    let mut table = Table::new(["value", "model", ">mean error", ">RMS error", ">explained"]);
    let has_float = !of.float.is_empty();
    for (place, [float, int8]) in of.distances().into_iter().enumerate().take(VALUES_MAX) {
        if has_float {
            table.row(distance_row(names.of(place), "float", float));
        }
        let name = if has_float { String::new() } else { names.of(place) };
        table.row(distance_row(name, "int8", int8));
    }
    let rest = of.targets.len().saturating_sub(VALUES_MAX);
    let rest = if rest > 0 { format!("and {rest} values more\n") } else { String::new() };
    format!("{table}{rest}")
}

fn distance_row(name: String, model: &str, distance: Distance) -> [String; 5] {
    [
        name,
        model.to_owned(),
        Real(distance.mean_absolute).to_string(),
        Real(distance.root_mean_square).to_string(),
        percent(distance.explained),
    ]
}

/// How like the answers of the int8 model are to those of the float model.
pub fn alike(of: &Likeness) -> String {
    let inputs = grouped(of.inputs as u64);
    let same = of.agreeing.map_or(String::new(), |agreeing| {
        format!(
            "float and int8 give {} of {inputs} inputs the same class\n",
            percent_of(agreeing, of.inputs)
        )
    });
    let [low, high] = of.range.map(Real);
    let noise = Decibel(10.0 * of.signal_to_noise.log10()).to_string().replace('\u{202f}', " ");
    format!(
        "{same}outputs of {low} to {high}: mean difference {}, largest {}, \
         signal to noise {noise}\n",
        Real(of.mean),
        Real(of.largest)
    )
}

/// How errors of reconstructions tell unusual inputs from usual ones; of the float model too, where
/// it was run.
pub fn inputs(of: &Reconstruction) -> String {
    let [float, int8] = of.detections();
    let mut table = Table::new([
        "model",
        ">mean error",
        ">area under curve",
        ">unusual found",
        ">false alarms",
    ]);
    if !of.float.is_empty() {
        table.row(detection_row("float", float));
    }
    table.row(detection_row("int8", int8));
    table.to_string()
}

fn detection_row(model: &str, of: Detection) -> [String; 5] {
    let share = |[part, all]: [usize; 2]| match all {
        0 => "-".to_owned(),
        _ => format!("{part} of {all} ({})", percent_of(part, all)),
    };
    [
        model.to_owned(),
        Real(of.mean).to_string(),
        of.area.map_or("-".to_owned(), |area| format!("{area:.4}")),
        share(of.found),
        share(of.alarms),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_listed_in_their_units() {
        let target = Target { name: "°C".to_owned(), mean: 0.0, deviation: 1.0 };
        let of = Regression {
            targets: vec![target],
            wanted: vec![1.0, 2.0],
            float: vec![],
            int8: vec![1.0, 3.0],
            seconds: 0.0,
        };
        let text = values(&of);
        assert!(text.starts_with("value  model  mean error  RMS error  explained\n"), "{text}");
        assert!(text.contains("°C     int8        0.500      0.707  -100.00 %"), "{text}");
        let text = values(&Regression { float: vec![1.0, 2.0], ..of });
        assert!(text.contains("°C     float           0"), "{text}");
    }

    #[test]
    fn unusual_inputs_are_counted() {
        let of = Reconstruction {
            float: vec![],
            int8: vec![0.1, 0.3],
            unusual: vec![false, true],
            threshold: Some(0.2),
            seconds: 0.0,
        };
        let text = inputs(&of);
        assert!(text.contains("1.0000  1 of 1 (100.00 %)  0 of 1 (0.00 %)"), "{text}");
        let text = inputs(&Reconstruction { unusual: vec![false; 2], ..of });
        assert!(text.ends_with("       -              -  1 of 2 (50.00 %)\n"), "{text}");
    }
}
