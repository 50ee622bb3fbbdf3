//! What a model's answer to one input says, whatever the model answers.

use infer::format::OutputQuant;
use infer::{Model, OutputType, Reals, Scores, Shape};

use crate::data::class_names::ClassNames;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::target::Target;
use crate::device::session::Chip;
use crate::evaluate::reconstruction;
use crate::report::value::Real;
use crate::terminal::number::percent;
use crate::terminal::{digit, printable, shows_colour};

/// Length of a probability of 1, half characters.
const BAR_HALVES: usize = 60;

/// What is added to an int8 value where an image holds it.
const STORED: u8 = 0x80;

/// What the values that a model ends with mean.
pub(super) struct Meaning {
    gives: OutputType,
    /// Of the values.
    quant: OutputQuant,
    /// The input.
    shape: Shape,
    /// Of its values.
    input: OutputQuant,
    /// Of the classes.
    names: ClassNames,
    targets: Vec<Target>,
    threshold: Option<f32>,
}

/// What a model gives, in words.
pub(super) fn given(gives: OutputType, values: usize) -> String {
    match gives {
        OutputType::Scores => format!("{values} classes"),
        OutputType::Reals if values == 1 => "1 real value".to_owned(),
        OutputType::Reals => format!("{values} real values"),
        OutputType::Reconstruction => format!("a reconstruction of {values} values"),
    }
}

impl Meaning {
    /// By what the model's file says, or the record beside it.
    pub(super) fn of(model: &Model<'_>, record: Option<&DataRecord>) -> Self {
        Self {
            gives: model.input().interface.gives,
            quant: model.output_quant(),
            shape: model.image_shape(),
            input: model.input().tensor.quant,
            names: metadata::names(model.metadata(), record),
            targets: metadata::targets(model),
            threshold: model.metadata().threshold(),
        }
    }

    /// Of a chip's model without its file, whose input's values `input` tells.
    pub(super) fn of_chip(chip: &Chip, input: OutputQuant) -> Self {
        let Chip { gives, output_quant: quant, image: shape, .. } = *chip;
        Self::of_values(gives, [quant, input], shape)
    }

    fn of_values(gives: OutputType, [quant, input]: [OutputQuant; 2], shape: Shape) -> Self {
        let names = ClassNames::default();
        Self { gives, quant, shape, input, names, targets: vec![], threshold: None }
    }

    /// The answer to the input that is stored as `image`, with all that belongs to it, and a line
    /// that names `file`.
    pub(super) fn text(&self, file: &str, image: &[u8], values: &[i8]) -> String {
        match self.gives {
            OutputType::Scores => {
                let scores = Scores::new(values, self.quant);
                format!("{}{}\n", bars(&scores, &self.names), self.verdict(file, image, values))
            }
            OutputType::Reals => format!("{}\n", self.verdict(file, image, values)),
            OutputType::Reconstruction => {
                let made: Vec<u8> = self.reals(values).map(|value| self.stored(value)).collect();
                let picture = digit::draw(&made, self.shape, shows_colour());
                format!("as the model makes it:\n{picture}{}\n", self.verdict(file, image, values))
            }
        }
    }

    /// The answer in one line.
    pub(super) fn verdict(&self, file: &str, image: &[u8], values: &[i8]) -> String {
        match self.gives {
            OutputType::Scores => {
                let scores = Scores::new(values, self.quant);
                let class = scores.class();
                let probability = scores.probabilities().nth(class).unwrap_or_default();
                let (name, shown) = (self.names.of(class), percent(probability as f64));
                format!("{file}: {} ({shown})\n", printable(&name))
            }
            OutputType::Reals => format!("{file}: {}\n", self.real_values(values)),
            OutputType::Reconstruction => {
                let made: Vec<f32> = self.reals(values).collect();
                self.of_error(file, reconstruction::error(self.input, image, &made))
            }
        }
    }

    /// What an error of a reconstruction says.
    pub(super) fn of_error(&self, file: &str, error: f32) -> String {
        let said = match self.threshold {
            Some(threshold) => {
                let what = if error > threshold { "unusual" } else { "usual" };
                format!("{what}, error {} (threshold {})", real(error), real(threshold))
            }
            None => format!("error {}", real(error)),
        };
        format!("{file}: {said}\n")
    }

    /// A value of the input as an image holds it.
    fn stored(&self, value: f32) -> u8 {
        self.input.quantise(value) as u8 ^ STORED
    }

    fn reals(&self, values: &[i8]) -> impl Iterator<Item = f32> {
        Reals::new(Scores::new(values, self.quant)).iter()
    }

    /// `temperature 21.5, humidity 0.48`; a single value without a name alone.
    fn real_values(&self, values: &[i8]) -> String {
        let (names, is_named) = (Target::names(&self.targets), values.len() > 1);
        let shown = self.reals(values).enumerate().map(|(place, value)| {
            let value = self.targets.get(place).map_or(value, |of| of.scale().restore(value));
            match names.are_given() || is_named {
                true => format!("{} {}", printable(&names.of(place)), real(value)),
                false => real(value),
            }
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

fn real(value: f32) -> String {
    Real(value as f64).to_string()
}

/// One line per class: its name, its probability, a bar.
fn bars(scores: &Scores<'_>, names: &ClassNames) -> String {
    let all = || scores.probabilities().enumerate();
    let name = |class| printable(&names.of(class));
    let width = all().map(|(class, _)| name(class).chars().count()).max().unwrap_or(0).max(4);
    let line = |(class, probability): (usize, f32)| {
        let halves = (probability * BAR_HALVES as f32).round() as usize;
        let bar = "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" };
        let (name, shown) = (name(class), percent(probability as f64));
        format!("{name:>width$} {shown:>9}  {bar}").trim_end().to_owned() + "\n"
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scale::PIXELS;

    const QUANT: OutputQuant = OutputQuant { scale: 0.01, zero_point: 0 };

    #[test]
    fn real_values_stand_in_their_units() {
        let mut meaning = Meaning::of_values(OutputType::Reals, [QUANT, PIXELS], Shape::vector(1));
        assert_eq!(meaning.verdict("a", &[0], &[50]), "a: 0.500\n");
        let target = |name: &str, mean| Target { name: name.to_owned(), mean, deviation: 2.0 };
        meaning.targets = vec![target("warm", 20.0), target("wet", 0.0)];
        assert_eq!(meaning.verdict("a", &[0], &[50, -100]), "a: warm 21.0, wet -2.00\n");
    }

    #[test]
    fn an_error_above_the_threshold_is_unusual() {
        let mut meaning =
            Meaning::of_values(OutputType::Reconstruction, [QUANT, PIXELS], Shape::vector(2));
        assert_eq!(meaning.verdict("a", &[255, 0], &[100, 50]), "a: error 0.125\n");
        meaning.threshold = Some(0.1);
        let said = meaning.verdict("a", &[255, 0], &[100, 50]);
        assert_eq!(said, "a: unusual, error 0.125 (threshold 0.100)\n");
        meaning.threshold = Some(0.2);
        assert!(meaning.verdict("a", &[255, 0], &[100, 50]).starts_with("a: usual, "));
    }
}
