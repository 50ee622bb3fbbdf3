//! A model at work, with all that its layers make.

use std::fmt;
use std::ops::Range;

use infer::format::LAYERS_MAX;
use infer::kernels::{Kernels, Native, Reference};
use infer::schedule::Schedule;
use infer::{Layer, Model, ModelError, Network, Observer, RunError, Session, Shape, Table};

/// A model file that has been checked.
pub struct Engine {
    file: Vec<u8>,
    image: Shape,
}

/// What a run leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The int8 scores.
    pub scores: Vec<i8>,
    /// The probabilities that they stand for.
    pub probabilities: Vec<f32>,
    /// What each layer made, one map after the other, as the chip holds them.
    pub maps: Vec<i8>,
}

/// Why there is no engine, or no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineError {
    /// The model file.
    Model(ModelError),
    /// The image.
    Run(RunError),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(cause) => write!(f, "the model is refused: {cause}"),
            Self::Run(cause) => write!(f, "the model did not run: {cause}"),
        }
    }
}

/// One step of a run: some rows of a tensor are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tensor: 0 is the part of the image that is read, `n` is made by layer `n - 1`.
    pub tensor: usize,
    /// The rows that are made.
    pub rows: Range<u16>,
    /// The first row that is still held then.
    pub first_held: u16,
}

impl Engine {
    /// Checks a model file.
    ///
    /// # Errors
    /// A file that is refused.
    pub fn new(file: Vec<u8>) -> Result<Self, EngineError> {
        let mut engine = Self { file, image: Shape::vector(0) };
        engine.image = engine.with_model(|model| Ok(model.image_shape()))?;
        Ok(engine)
    }

    /// The image that the model takes.
    pub const fn image_shape(&self) -> Shape {
        self.image
    }

    /// Runs the model by the fast kernels, on an image of a byte for each value: see
    /// [`Session::run_stored`].
    ///
    /// # Errors
    /// An image of another size.
    pub fn run(&self, image: &[u8]) -> Result<Answer, EngineError> {
        self.run_by::<Native>(image)
    }

    /// Runs the model by the reference kernels, which say what every operator computes.
    ///
    /// # Errors
    /// An image of another size.
    pub fn run_by_reference(&self, image: &[u8]) -> Result<Answer, EngineError> {
        self.run_by::<Reference>(image)
    }

    /// The steps of a run, in order.
    ///
    /// # Errors
    /// None for a file that was accepted before.
    pub fn steps(&self) -> Result<Vec<Step>, EngineError> {
        self.with_model(|model| {
            let (network, mut schedule) = (Network::from(model), Schedule::new());
            let steps = std::iter::from_fn(|| schedule.next(&network)).map(|slice| Step {
                tensor: slice.tensor,
                first_held: slice.rows.start - slice.kept,
                rows: slice.rows,
            });
            Ok(steps.collect())
        })
    }

    fn run_by<Set: Kernels>(&self, image: &[u8]) -> Result<Answer, EngineError> {
        self.with_model(|model| {
            let mut arena = vec![0; model.arena_bytes()];
            let mut session =
                Session::new(model, &mut arena).expect("the buffer has the size the model states");
            let mut maps = Maps::of(model);
            let scores = session.run_stored::<Set>(image, &mut maps).map_err(EngineError::Run)?;
            let (scores, probabilities) = (scores.values(), scores.probabilities());
            Ok(Answer {
                scores: scores.to_vec(),
                probabilities: probabilities.collect(),
                maps: maps.values,
            })
        })
    }

    fn with_model<Made>(
        &self,
        make: impl FnOnce(&Model<'_>) -> Result<Made, EngineError>,
    ) -> Result<Made, EngineError> {
        let mut table = Box::new(Table::<LAYERS_MAX>::new());
        make(&Model::from_bytes(&self.file, &mut table).map_err(EngineError::Model)?)
    }
}

/// Puts the rows that the layers make where they lie in the whole maps.
struct Maps {
    values: Vec<i8>,
    /// Where each layer's map begins.
    begins: Vec<usize>,
}

impl Maps {
    fn of(model: &Model<'_>) -> Self {
        let mut end = 0;
        let mut begin = |layer: &Layer<'_>| {
            let begin = end;
            end += layer.output().len();
            begin
        };
        let begins = model.layers().iter().map(&mut begin).collect();
        Self { values: vec![0; end], begins }
    }
}

impl Observer for Maps {
    fn after(&mut self, index: usize, layer: &Layer<'_>, rows: Range<u16>, values: &[i8]) {
        let at = self.begins[index] + rows.start as usize * layer.output().row_len();
        self.values[at..at + values.len()].copy_from_slice(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = include_bytes!("../../../tests/fuzz/corpus/model/tiny-0-rows.kndl");

    fn engine() -> Engine {
        Engine::new(MODEL.to_vec()).unwrap()
    }

    fn image(engine: &Engine) -> Vec<u8> {
        (0..engine.image_shape().len()).map(|place| (place * 37 % 256) as u8).collect()
    }

    #[test]
    fn both_kernel_sets_make_the_same_bytes() {
        let engine = engine();
        let image = image(&engine);
        let answer = engine.run(&image).unwrap();
        assert_eq!(engine.run_by_reference(&image).unwrap(), answer);
        assert!(answer.maps.ends_with(&answer.scores), "the last map holds the scores");
        assert!((answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-3);
        assert_ne!(engine.run(&vec![0; image.len()]).unwrap().maps, answer.maps);
    }

    #[test]
    fn the_steps_make_every_row_once() {
        let steps = engine().steps().unwrap();
        let last = steps.iter().map(|step| step.tensor).max().unwrap();
        for tensor in 0..=last {
            let of_tensor = steps.iter().filter(|step| step.tensor == tensor);
            let end = of_tensor.fold(0, |end, step| {
                assert_eq!(step.rows.start, end);
                assert!(step.first_held <= step.rows.start);
                step.rows.end
            });
            assert!(end > 0);
        }
        assert!(steps.len() > last + 1, "some rows are held at once, others later");
    }

    #[test]
    fn what_cannot_be_said_why() {
        let refused = Engine::new(MODEL[1..].to_vec()).err().unwrap().to_string();
        assert!(refused.starts_with("the model is refused: "), "{refused}");
        let short = engine().run(&[]).unwrap_err().to_string();
        assert!(short.starts_with("the model did not run: "), "{short}");
    }
}
