//! Training inputs that a model file carries, for firmware and pages to show.

use infer::OutputType;
use infer::format::Sample;

use crate::data::{Dataset, metadata};
use crate::evaluate::int8_outputs;
use crate::export::ExportError;
use crate::model_file;
use crate::plain_model::PlainModel;

/// The first images of each class, class by class in turn, `count` of them or all there are.
pub fn class_by_class(images: &Dataset, count: usize) -> Vec<usize> {
    let mut of_class = vec![vec![]; images.classes.max(1)];
    for (index, label) in images.labels.iter().enumerate() {
        of_class[usize::from(*label)].push(index);
    }
    let longest = of_class.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| of_class.iter().filter_map(move |of| of.get(turn)));
    turns.copied().take(count).collect()
}

/// Adds `count` training inputs with what the model answers to its metadata.
///
/// # Errors
/// A model that no file can hold, or that cannot be run.
pub fn add(model: &mut PlainModel, training: &Dataset, count: usize) -> Result<(), ExportError> {
    let images = training.of(class_by_class(training, count).into_iter());
    if images.is_empty() {
        return Ok(());
    }
    let file = model_file::write(model, &model.direct())?;
    let answers = int8_outputs(&file, &images, 1)?.values;
    let answers: Vec<Vec<u8>> = answers.into_iter().map(stored).collect();
    let has_classes = model.interface.gives == OutputType::Scores;
    let sample = |index: usize| Sample {
        class: has_classes.then(|| images.labels[index].into()),
        image: images.image(index),
        answer: &answers[index],
    };
    let samples: Vec<Sample<'_>> = (0..images.len()).map(sample).collect();
    metadata::push_samples(&mut model.metadata, &samples);
    Ok(())
}

/// As a file holds int8 values.
fn stored(values: Vec<i8>) -> Vec<u8> {
    values.into_iter().map(|value| value as u8).collect()
}

#[cfg(test)]
mod tests {
    use infer::Shape;

    use super::*;

    #[test]
    fn samples_take_turns_between_the_classes() {
        let labels = vec![2, 2, 0, 2, 0];
        let shape = Shape::new(1, 1, 1);
        let data = Dataset { shape, pixels: vec![0; 5], labels, classes: 3, targets: vec![] };
        assert_eq!(class_by_class(&data, 9), [2, 0, 4, 1, 3]);
        assert_eq!(class_by_class(&data, 3), [2, 0, 4]);
    }
}
