//! A data set before it is trained on: classes, counts, pixels.

use super::number::grouped;
use super::table::Table;
use crate::data::DataDir;
use crate::data::class_names::ClassNames;
use crate::data::survey::Survey;
use crate::data::target::Target;
use crate::report::value::Real;
use crate::train::Split;

/// Most classes that are listed one by one.
const CLASSES_MAX: usize = 20;

/// What a run begins with, in a few lines.
pub fn draw(data: &DataDir, survey: &Survey, split: &Split) -> String {
    let [train, test] = [&survey.train, &survey.test];
    let images = |part: &crate::data::survey::Part| grouped(part.images() as u64);
    let held_out = match (split.held_out.len(), split.drawn) {
        (0, _) => String::new(),
        (count, false) => format!(", the last {} of them held out", grouped(count as u64)),
        (count, true) => {
            format!(", {} of them held out, drawn from every class", grouped(count as u64))
        }
    };
    format!(
        "data: {} training images{held_out}, {} test images, {}, pixels {} to {}\n{}",
        images(train),
        images(test),
        data.train.shape,
        train.darkest,
        train.brightest,
        answers(data, survey)
    )
}

/// The classes, or the values to answer; nothing where the images have neither.
fn answers(data: &DataDir, survey: &Survey) -> String {
    match data.targets.is_empty() {
        false => values(&data.targets),
        true if data.names.is_empty() && survey.train.counts.len() == 1 => String::new(),
        true => classes(data, survey),
    }
}

fn values(targets: &[Target]) -> String {
    if targets.len() > CLASSES_MAX {
        return format!("{} values to answer\n", targets.len());
    }
    let names = Target::names(targets);
    let mut table = Table::new(["value", ">mean", ">deviation"]);
    for (place, target) in targets.iter().enumerate() {
        let [mean, deviation] = [target.mean, target.deviation].map(|of| Real(of.into()));
        table.row([names.of(place), mean.to_string(), deviation.to_string()]);
    }
    table.to_string()
}

fn classes(data: &DataDir, survey: &Survey) -> String {
    let counts = survey.train.counts.iter().zip(&survey.test.counts);
    if survey.train.counts.len() > CLASSES_MAX {
        let (least, most) = (survey.train.counts.iter().min(), survey.train.counts.iter().max());
        let [least, most] = [least, most].map(|count| grouped(count.copied().unwrap_or(0) as u64));
        return format!("{} classes of {least} to {most} training images\n", counts.len());
    }
    let names = ClassNames::new(&data.names);
    let mut table = Table::new(["class", ">training", ">test"]);
    for (class, (trained, tests)) in counts.enumerate() {
        table.row([names.of(class), grouped(*trained as u64), grouped(*tests as u64)]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    fn part(labels: &[u8], classes: usize) -> Dataset {
        let shape = infer::Shape::new(1, 1, 1);
        let pixels = (0..labels.len()).map(|index| 3 * index as u8).collect();
        Dataset { shape, pixels, labels: labels.to_vec(), classes, targets: vec![] }
    }

    #[test]
    fn classes_are_listed_with_their_images() {
        let data = DataDir {
            is_labelled: true,
            train: part(&[0, 1, 0, 0], 2),
            test: part(&[1], 2),
            names: vec!["cat".into(), "dog".into()],
            notes: vec![],
            scales: vec![],
            targets: vec![],
        };
        assert_eq!(
            draw(&data, &Survey::of(&data), &Split::new(&data.train.labels, 1, 0)),
            "data: 4 training images, the last 1 of them held out, 1 test images, 1x1x1, \
             pixels 0 to 9\nclass  training  test\ncat           3     0\ndog           1     1\n"
        );
    }

    #[test]
    fn many_classes_are_summed_up() {
        let labels: Vec<u8> = (0..40).chain([0]).collect();
        let (train, test) = (part(&labels, 40), part(&labels, 40));
        let data = DataDir {
            train,
            test,
            names: vec![],
            notes: vec![],
            scales: vec![],
            targets: vec![],
            is_labelled: true,
        };
        let text = draw(&data, &Survey::of(&data), &Split::new(&data.train.labels, 0, 0));
        assert!(text.ends_with("40 classes of 1 to 2 training images\n"), "{text}");
    }
}
