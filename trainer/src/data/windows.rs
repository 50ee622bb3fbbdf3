//! Windows of series as labelled images of `window` rows, one column and a channel for each value.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use infer::Shape;

use super::parts::{Loaded, names_of, scale_note};
use super::reading::{Columns, Reading, Wanted};
use super::scale::Scale;
use super::series::{self, Run, SeriesError};
use super::{DataError, Dataset, Known};

/// Reads the series in `files`, the second of which, where there is one, holds those to test on.
pub(super) fn load(
    path: &Path,
    files: &[PathBuf],
    reading: &Reading,
    wanted: Wanted,
    known: Option<&Known>,
) -> Result<Loaded, DataError> {
    let of = |file: &Path| {
        let path = file.to_owned();
        |problem| DataError::Series { path, problem }
    };
    let Some(columns) = &reading.columns else {
        let there = series::column_names(path_of(path, files)).map_err(of(path))?;
        return Err(DataError::Columns { path: path.to_owned(), there });
    };
    let read = |file: &PathBuf| series::read(file, columns).map_err(of(file));
    let mut parts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let share = reading.test_share.filter(|_| parts.len() == 1);
    if let Some(share) = share {
        parts =
            series::split(parts.into_iter().flatten().collect(), share).map_err(of(path))?.into();
    }
    let labels = parts.iter().flatten().map(|run| run.label.clone()).collect();
    let names = names_of(known, labels, path)?;
    if names.len() > CLASSES_MAX {
        return Err(DataError::SeriesClasses { path: path.to_owned(), classes: names.len() });
    }
    let mut set = Set { columns, shape: shape(columns, wanted), names: &names, scales: Vec::new() };
    let mut notes: Vec<String> = spanning(&parts).into_iter().collect();
    let mut parts = parts.iter();
    let training = parts.next().map_or(&[][..], Vec::as_slice);
    set.scales = match known {
        Some(known) if known.scales.len() == columns.values.len() => known.scales.clone(),
        _ => set.scales_of(training).map_err(of(path))?,
    };
    notes.extend(scale_note(&set.scales, &columns.values));
    let train = set.dataset(training, &mut notes).map_err(of(path))?;
    let test = parts.next().map(|runs| set.dataset(runs, &mut notes)).transpose();
    let (test, scales) = (test.map_err(of(path))?, set.scales);
    Ok(Loaded { train, test, names, notes, scales, is_shared_out: share.is_some() })
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
}

impl Set<'_> {
    fn scales_of(&self, runs: &[Run]) -> Result<Vec<Scale>, SeriesError> {
        let (values, _) = self.columns.windows(runs)?;
        Ok(Scale::of_channels(values.into_iter(), self.columns.values.len()))
    }

    fn dataset(&self, runs: &[Run], notes: &mut Vec<String>) -> Result<Dataset, SeriesError> {
        let (values, labels) = self.columns.windows(runs)?;
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
        let place = |label: &&str| self.names.iter().position(|name| name == label);
        Ok(Dataset {
            shape: self.shape,
            pixels: scaled().map(|(value, scale)| scale.pixel(*value)).collect(),
            labels: labels.iter().filter_map(place).map(|label| label as u8).collect(),
            classes: self.names.len(),
        })
    }
}
