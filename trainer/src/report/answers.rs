//! The images worth looking at: those a model gets wrong, and those on which float and int8 differ.

use super::picture::Sheet;
use super::value::{Count, Probability};
use crate::data::Dataset;
use crate::data::class_names::ClassNames;
use crate::evaluate::Evaluation;

/// Most numbers of images without a picture that are listed.
const NUMBERS_MAX: usize = 2_000;

/// Images that are answered wrongly or differently.
pub struct Answers {
    /// Images that at least one model gets wrong; the mistake with the highest probability first.
    pub wrong: Gallery,
    /// Images on which the models give different classes, whether one of them is right or not.
    pub differing: Gallery,
    /// All images of both galleries.
    pub sheet: Sheet,
}

/// Images of one kind.
pub struct Gallery {
    /// Those that are shown.
    pub shown: Vec<Exhibit>,
    /// How many there are.
    pub all: Count,
    /// Numbers of those for which there is no room: the first of them.
    pub hidden: Vec<usize>,
    /// How many those are in all.
    pub hidden_all: Count,
}

/// One image with what both models say of it.
#[derive(Clone)]
pub struct Exhibit {
    /// Its number in the test set, from 0.
    pub image: usize,
    /// Its class.
    pub label: usize,
    /// What that is called.
    pub label_name: String,
    /// The float model's answer.
    pub float: Said,
    /// The int8 model's answer.
    pub int8: Said,
    /// Where it lies in the sheet: pixels of the page to the left and above.
    pub place: [usize; 2],
}

/// One model's answer to one image.
#[derive(Clone)]
pub struct Said {
    /// The class.
    pub class: usize,
    /// What that is called.
    pub name: String,
    /// The probability it gives it.
    pub probability: Probability,
    /// The probability it gives the label.
    pub label_probability: Probability,
    /// Whether the class is the label.
    pub right: bool,
}

impl Said {
    fn of(class: usize, probabilities: &[f32], label: usize, names: &ClassNames) -> Self {
        let probability = |class: usize| {
            Probability(probabilities.get(class).copied().unwrap_or_default() as f64)
        };
        Self {
            class,
            name: names.of(class),
            probability: probability(class),
            label_probability: probability(label),
            right: class == label,
        }
    }
}

impl Answers {
    /// Picks the images and draws them.
    pub fn of(evaluation: &Evaluation, test: &Dataset, names: &ClassNames) -> Self {
        let exhibits = (0..test.len()).map(|image| exhibit(evaluation, test, names, image));
        let worth_it = |exhibit: &Exhibit| wrong(exhibit) || differing(exhibit);
        let mut exhibits: Vec<Exhibit> = exhibits.filter(worth_it).collect();
        // Images that differ stand first here, so that both galleries can show them.
        exhibits.sort_by(|one, two| {
            differing(two)
                .cmp(&differing(one))
                .then(two.surest().total_cmp(&one.surest()))
                .then(one.image.cmp(&two.image))
        });
        let images: Vec<&[u8]> = exhibits.iter().map(|exhibit| test.image(exhibit.image)).collect();
        let sheet = Sheet::of(test.shape, &images);
        let hidden = exhibits.split_off(sheet.shown);
        for (index, exhibit) in exhibits.iter_mut().enumerate() {
            exhibit.place = sheet.place(index);
        }
        let gallery = |of: fn(&Exhibit) -> bool| Gallery::of(&exhibits, &hidden, of);
        Self { wrong: gallery(wrong), differing: gallery(differing), sheet }
    }
}

impl Gallery {
    fn of(exhibits: &[Exhibit], hidden: &[Exhibit], belongs: fn(&Exhibit) -> bool) -> Self {
        let mut shown: Vec<Exhibit> =
            exhibits.iter().filter(|exhibit| belongs(exhibit)).cloned().collect();
        shown.sort_by(|one, two| {
            two.surest().total_cmp(&one.surest()).then(one.image.cmp(&two.image))
        });
        let mut hidden: Vec<usize> =
            hidden.iter().filter(|exhibit| belongs(exhibit)).map(|exhibit| exhibit.image).collect();
        hidden.sort_unstable();
        let hidden_all = Count(hidden.len());
        hidden.truncate(NUMBERS_MAX);
        Self { all: Count(shown.len() + hidden_all.0), shown, hidden, hidden_all }
    }
}

impl Exhibit {
    /// Highest probability that a model gives to a wrong answer.
    fn surest(&self) -> f64 {
        let sure = |said: &Said| if said.right { 0.0 } else { said.probability.0 };
        sure(&self.float).max(sure(&self.int8))
    }
}

fn exhibit(evaluation: &Evaluation, test: &Dataset, names: &ClassNames, image: usize) -> Exhibit {
    let (float, int8) = (&evaluation.float[image], &evaluation.int8.answers[image]);
    let label = test.labels[image] as usize;
    Exhibit {
        image,
        label,
        label_name: names.of(label),
        float: Said::of(float.class, &float.probabilities, label, names),
        int8: Said::of(int8.class, &int8.probabilities, label, names),
        place: [0, 0],
    }
}

fn wrong(exhibit: &Exhibit) -> bool {
    !exhibit.float.right || !exhibit.int8.right
}

fn differing(exhibit: &Exhibit) -> bool {
    exhibit.float.class != exhibit.int8.class
}

#[cfg(test)]
mod tests {
    use infer::Shape;

    use super::*;
    use crate::evaluate::{Answer, FloatAnswer, Int8Evaluation};

    /// Images of one pixel with two classes: label, float class, int8 class, probability of both
    /// answers.
    fn answers(images: &[(u8, usize, usize, f32)]) -> Answers {
        let test = Dataset {
            shape: Shape::new(1, 1, 1),
            pixels: vec![9; images.len()],
            labels: images.iter().map(|image| image.0).collect(),
            classes: 2,
            targets: vec![],
        };
        let two = |class: usize, probability: f32| {
            let mut both = vec![1.0 - probability; 2];
            both[class] = probability;
            both
        };
        let float = images.iter().map(|(_, class, _, probability)| FloatAnswer {
            class: *class,
            probabilities: two(*class, *probability),
        });
        let int8 = images.iter().map(|(_, _, class, probability)| Answer {
            class: *class,
            scores: vec![],
            probabilities: two(*class, *probability),
        });
        let int8 = Int8Evaluation {
            correct: 0,
            confusion: vec![0; 4],
            classes: 2,
            answers: int8.collect(),
            seconds: 0.0,
        };
        let evaluation = Evaluation {
            images: images.len(),
            float_correct: 0,
            float: float.collect(),
            int8,
            agreeing: 0,
        };
        Answers::of(&evaluation, &test, &ClassNames::new(&["no".to_owned()]))
    }

    fn numbers(gallery: &Gallery) -> Vec<usize> {
        gallery.shown.iter().map(|exhibit| exhibit.image).collect()
    }

    #[test]
    fn mistakes_are_shown_the_surest_first() {
        let answers = answers(&[(0, 0, 0, 0.9), (1, 0, 0, 0.6), (0, 1, 1, 0.8), (1, 1, 0, 0.7)]);
        assert_eq!(numbers(&answers.wrong), [2, 3, 1]);
        assert_eq!(numbers(&answers.differing), [3]);
        let first = &answers.wrong.shown[0];
        assert_eq!((first.label, first.float.class, first.float.right), (0, 1, false));
        assert_eq!((first.label_name.as_str(), first.float.name.as_str()), ("no", "1"));
        assert!(
            (first.float.probability.0 - 0.8).abs() < 1e-6
                && (first.int8.label_probability.0 - 0.2).abs() < 1e-6
        );
    }

    #[test]
    fn too_many_mistakes_are_counted_and_numbered() {
        const IMAGES: usize = 1000;
        let answers = answers(&vec![(0, 1, 1, 0.8); IMAGES + 3]);
        assert_eq!((answers.wrong.shown.len(), answers.wrong.all), (IMAGES, Count(IMAGES + 3)));
        assert_eq!(answers.wrong.hidden, [1000, 1001, 1002]);
    }
}
