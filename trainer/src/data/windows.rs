//! Windows of series as labelled images of `window` rows, one column and a channel for each value.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use infer::Shape;

use super::parts::{Loaded, names_of, scale_note};
use super::reading::{Columns, Wanted};
use super::scale::Scale;
use super::series::{self, Run, SeriesError, Windows};
use super::target::Target;
use super::{DataError, Dataset, Request};
use crate::recipe::Task;

/// Reads the series in `files`, the second of which, where there is one, holds those to test on.
pub(super) fn load(path: &Path, files: &[PathBuf], request: &Request) -> Result<Loaded, DataError> {
    let Request { reading, wanted, known, task, labels_optional, .. } = request;
    let of = |file: &Path| {
        let path = file.to_owned();
        |problem| DataError::Series { path, problem }
    };
    let is_enough = |columns: &&Columns| {
        are_enough(columns, *task) || *labels_optional && columns.targets.is_empty()
    };
    let Some(columns) = reading.columns.as_ref().filter(is_enough) else {
        let there = series::column_names(path_of(path, files)).map_err(of(path))?;
        return Err(DataError::Columns { path: path.to_owned(), truth: truth(*task), there });
    };
    let read = |file: &PathBuf| series::read(file, columns).map_err(of(file));
    let mut parts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let share = reading.test_share.filter(|_| parts.len() == 1);
    if let Some(share) = share {
        parts = series::split(parts.into_iter().flatten().collect(), share, columns)
            .map_err(of(path))?
            .into();
    }
    let labels = parts.iter().flatten().map(|run| run.label.clone()).collect();
    let names = match columns.label {
        Some(_) => names_of(request, labels, path)?,
        None => Vec::new(),
    };
    if names.len() > CLASSES_MAX {
        return Err(DataError::SeriesClasses { path: path.to_owned(), classes: names.len() });
    }
    let shape = shape(columns, *wanted);
    let mut set = Set { columns, shape, names: &names, scales: Vec::new(), targets: Vec::new() };
    let mut notes: Vec<String> = spanning(&parts).into_iter().collect();
    let mut parts = parts.iter();
    let training = parts.next().map_or(&[][..], Vec::as_slice);
    set.scales = match known {
        Some(known) if known.scales.len() == columns.values.len() => known.scales.clone(),
        _ => set.scales_of(training).map_err(of(path))?,
    };
    set.targets = match known {
        Some(known) if known.targets.len() == columns.targets.len() => known.targets.clone(),
        _ => set.targets_of(training).map_err(of(path))?,
    };
    notes.extend(scale_note(&set.scales, &columns.values));
    let train = set.dataset(training, &mut notes).map_err(of(path))?;
    let test = parts.next().map(|runs| set.dataset(runs, &mut notes)).transpose();
    let test = test.map_err(of(path))?;
    let is_labelled = match task {
        Task::Reconstruct => columns.label.is_some(),
        _ => are_enough(columns, *task),
    };
    let (is_shared_out, Set { scales, targets, .. }) = (share.is_some(), set);
    Ok(Loaded { train, test, names, notes, scales, targets, is_shared_out, is_labelled })
}

/// Whether the columns say all that the task needs.
fn are_enough(columns: &Columns, task: Task) -> bool {
    match task {
        Task::Classify => columns.label.is_some() && columns.targets.is_empty(),
        Task::Regress => !columns.targets.is_empty(),
        Task::Reconstruct => columns.targets.is_empty(),
    }
}

/// What is to be said of the columns of what is answered.
const fn truth(task: Task) -> &'static str {
    match task {
        Task::Classify => "--label-column C for the class, ",
        Task::Regress => "--target-columns D,E for the values to answer, ",
        Task::Reconstruct => "",
    }
}

/// Most classes: labels are bytes.
const CLASSES_MAX: usize = 256;

fn path_of<'p>(path: &'p Path, files: &'p [PathBuf]) -> &'p Path {
    files.first().map_or(path, PathBuf::as_path)
}

/// As the network's input has it, where it takes the same numbers in the same order.
fn shape(columns: &Columns, wanted: Wanted) -> Shape {
    let channels = columns.values.len();
    let is_same = |shape: &Shape| {
        shape.height == columns.window && shape.width as usize * shape.channels as usize == channels
    };
    let own = Shape::new(columns.window, 1, u16::try_from(channels).unwrap_or(u16::MAX));
    wanted.filter(is_same).unwrap_or(own)
}

/// Groups that are in both parts.
fn spanning(parts: &[Vec<Run>]) -> Option<String> {
    let groups = |runs: &Vec<Run>| -> BTreeSet<String> {
        runs.iter().map(|run| run.group.clone()).filter(|group| !group.is_empty()).collect()
    };
    let [train, test] = parts else { return None };
    let both: Vec<String> = groups(train).intersection(&groups(test)).cloned().collect();
    (!both.is_empty()).then(|| {
        format!(
            "training and test series share groups: {}; the test accuracy is too good by them",
            both.join(", ")
        )
    })
}

/// How windows become images.
struct Set<'s> {
    columns: &'s Columns,
    shape: Shape,
    names: &'s [String],
    scales: Vec<Scale>,
    targets: Vec<Target>,
}

impl Set<'_> {
    fn scales_of(&self, runs: &[Run]) -> Result<Vec<Scale>, SeriesError> {
        let Windows { values, .. } = self.columns.windows(runs)?;
        Ok(Scale::of_channels(values.into_iter(), self.columns.values.len()))
    }

    fn targets_of(&self, runs: &[Run]) -> Result<Vec<Target>, SeriesError> {
        let Windows { targets, .. } = self.columns.windows(runs)?;
        Ok(Target::of_values(&targets, &self.columns.targets))
    }

    fn dataset(&self, runs: &[Run], notes: &mut Vec<String>) -> Result<Dataset, SeriesError> {
        let Windows { values, labels, targets } = self.columns.windows(runs)?;
        let scaled = || values.iter().zip(self.scales.iter().cycle());
        let cut = scaled().filter(|(value, scale)| !scale.holds(**value)).count();
        if cut > 0 {
            notes.push(format!(
                "{cut} of {} values lie beyond those of the training series and are cut off",
                values.len()
            ));
        }
        let short = self.columns.too_short(runs);
        if short > 0 {
            notes.push(format!(
                "{short} of {} runs of one group and one label are shorter than a window and left \
                    out",
                runs.len()
            ));
        }
        // Without a column of labels all have label 0.
        let place = |label: &&str| self.names.iter().position(|name| name == label).unwrap_or(0);
        Ok(Dataset {
            shape: self.shape,
            pixels: scaled().map(|(value, scale)| scale.pixel(*value)).collect(),
            labels: labels.iter().map(place).map(|label| label as u8).collect(),
            classes: self.names.len().max(1),
            targets: Target::scaled(&self.targets, &targets),
        })
    }
}
