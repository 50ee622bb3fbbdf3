//! Which class is taken for which.

use super::number::percent_of;
use super::printable;
use crate::data::class_names::ClassNames;

/// Most classes for which the whole matrix fits on a terminal.
const MATRIX_CLASSES_MAX: usize = 20;

/// Most lines of the list that stands for a larger matrix.
const PAIRS_MAX: usize = 20;

/// The matrix of `classes` x `classes` counts, `counts[truth * classes + answer]`, as text; of many
/// classes only the commonest mistakes.
pub fn draw(counts: &[u32], classes: usize, names: &ClassNames) -> String {
    match classes <= MATRIX_CLASSES_MAX {
        true => matrix(counts, classes, names),
        false => pairs(counts, classes, names),
    }
}

fn matrix(counts: &[u32], classes: usize, names: &ClassNames) -> String {
    let largest = counts.iter().max().map_or(1, |count| count.to_string().len());
    let width = largest.max(2) + 1;
    let cells = |values: &mut dyn Iterator<Item = String>| -> String {
        values.map(|value| format!("{value:>width$}")).collect()
    };
    let titles = cells(&mut (0..classes).map(|class| class.to_string()));
    let mut text = format!("truth \\ answer of the int8 model\n   {titles}     right\n");
    let name = |class: usize| match names.are_given() {
        true => format!("  {}", printable(&names.of(class))),
        false => String::new(),
    };
    for (truth, row) in counts.chunks_exact(classes).enumerate() {
        let shown = |count: &u32| if *count == 0 { "·".to_owned() } else { count.to_string() };
        let (right, all) = (row[truth] as usize, row.iter().map(|count| *count as usize).sum());
        text += &format!(
            "{truth:>3}{}  {:>8}{}\n",
            cells(&mut row.iter().map(shown)),
            percent_of(right, all),
            name(truth)
        );
    }
    text
}

fn pairs(counts: &[u32], classes: usize, names: &ClassNames) -> String {
    let mistakes =
        counts.iter().enumerate().map(|(place, count)| (*count, place / classes, place % classes));
    let mut mistakes: Vec<_> =
        mistakes.filter(|(count, truth, answer)| *count > 0 && truth != answer).collect();
    mistakes.sort_by_key(|(count, truth, answer)| (std::cmp::Reverse(*count), *truth, *answer));
    let mut text =
        format!("commonest mistakes of the int8 model ({} pairs of classes)\n", mistakes.len());
    for (count, truth, answer) in mistakes.iter().take(PAIRS_MAX) {
        let [truth, answer] = [truth, answer].map(|class| printable(&names.of(*class)));
        text += &format!("{count:>6} of class {truth} taken for {answer}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_classes_are_a_matrix() {
        let expected = "truth \\ answer of the int8 model\n     0  1     right\n\
             \x20 0  9  1   90.00 %\n  1  ·  5  100.00 %\n";
        assert_eq!(draw(&[9, 1, 0, 5], 2, &ClassNames::default()), expected);
    }

    #[test]
    fn names_follow_the_rows_and_cannot_command_the_terminal() {
        let names = ClassNames::new(&["cat".to_owned(), "do\x1bg".to_owned()]);
        let expected = "truth \\ answer of the int8 model\n     0  1     right\n\
             \x20 0  9  1   90.00 %  cat\n  1  ·  5  100.00 %  do\\u{1b}g\n";
        assert_eq!(draw(&[9, 1, 0, 5], 2, &names), expected);
    }

    #[test]
    fn many_classes_are_a_list_of_mistakes() {
        let mut counts = vec![0; 26 * 26];
        counts[3 * 26 + 3] = 100;
        counts[3 * 26 + 25] = 2;
        counts[8] = 7;
        let expected = "commonest mistakes of the int8 model (2 pairs of classes)\n\
             \x20    7 of class 0 taken for 8\n     2 of class 3 taken for 25\n";
        assert_eq!(draw(&counts, 26, &ClassNames::default()), expected);
    }
}
