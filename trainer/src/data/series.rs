//! Series of sensor values in CSV files, cut into windows.
//!
//! A row is a moment. Rows of one group and one label that follow each other are a run; windows lie
//! within a run, so none has two labels, and none reaches from one recording into the next.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::reading::Columns;
use super::table::{Row, Table, TableError};

/// Rows of one group and one label that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Its group; empty where there are none.
    pub group: String,
    /// Its class.
    pub label: String,
    /// Its first row in the file, from 1.
    pub first_row: usize,
    /// `[row][column]`.
    pub values: Vec<f64>,
    /// The values to answer: `[row][column]`.
    pub targets: Vec<f64>,
}

/// Windows one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows<'r> {
    /// `[window][row][column]`.
    pub values: Vec<f64>,
    /// The label of each.
    pub labels: Vec<&'r str>,
    /// The values to answer, those of each window's last row: `[window][column]`.
    pub targets: Vec<f64>,
}

/// Why a file holds no series.
#[derive(Debug, Error)]
pub enum SeriesError {
    /// No table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A column that is not there.
    #[error("no column '{name}': there are {there}")]
    NoColumn {
        /// The column.
        name: String,
        /// The columns there are.
        there: String,
    },
    /// A value that is no number.
    #[error("line {line}: {column} is '{found}': values are finite numbers")]
    Value {
        /// Line of the file, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What it says.
        found: String,
    },
    /// A row without a class.
    #[error("line {line}: {column} is empty: each row needs a class")]
    NoLabel {
        /// Line of the file, from 1.
        line: u64,
        /// The column.
        column: String,
    },
    /// Rows that are too few for a window.
    #[error(
        "no window of {window} rows: of {runs} runs of one group and one label the longest has \
            {longest}; a shorter --window fits"
    )]
    NoWindow {
        /// Rows of a window.
        window: u16,
        /// Runs there are.
        runs: usize,
        /// Rows of the longest.
        longest: usize,
    },
    /// A share that leaves one side empty.
    #[error(
        "of {groups} groups --test-share {share} makes {tests} test groups: give another share"
    )]
    Share {
        /// Groups there are.
        groups: usize,
        /// The share.
        share: f64,
        /// Groups that would be tested on.
        tests: usize,
    },
}

/// Names of the columns, as a file's first line has them.
///
/// # Errors
/// A file that cannot be read or is no table.
pub fn column_names(path: &Path) -> Result<String, SeriesError> {
    Ok(listed(Table::open(path)?.header()))
}

/// The runs of a file, in its order.
///
/// # Errors
/// See [`SeriesError`].
pub fn read(path: &Path, columns: &Columns) -> Result<Vec<Run>, SeriesError> {
    let mut table = Table::open(path)?;
    let header = table.header();
    let place =
        |name: &Option<String>| name.as_ref().map(|name| place_of(header, name)).transpose();
    let places = Places {
        values: places_of(header, &columns.values)?,
        targets: places_of(header, &columns.targets)?,
        label: place(&columns.label)?,
        group: place(&columns.group)?,
    };
    runs(&mut table, &places, columns)
}

/// The same of a file whose classes are not known: no label and no group parts its rows.
///
/// # Errors
/// As [`read`].
pub fn read_values(path: &Path, columns: &Columns) -> Result<Vec<Run>, SeriesError> {
    let mut table = Table::open(path)?;
    let header = table.header();
    let values = places_of(header, &columns.values)?;
    let places = Places { values, targets: vec![], label: None, group: None };
    runs(&mut table, &places, columns)
}

fn runs(table: &mut Table, places: &Places, columns: &Columns) -> Result<Vec<Run>, SeriesError> {
    let mut runs: Vec<Run> = Vec::new();
    let mut number = 0;
    while let Some(row) = table.next_row()? {
        number += 1;
        places.add(columns, &row, number, &mut runs)?;
    }
    Ok(runs)
}

fn listed(header: &[String]) -> String {
    shown(&header.join(", "), 1000)
}

/// The beginning of what a file says, in one line.
fn shown(text: &str, characters: usize) -> String {
    text.escape_debug().take(characters).collect()
}

fn place_of(header: &[String], name: &str) -> Result<usize, SeriesError> {
    let missing = || SeriesError::NoColumn { name: name.to_owned(), there: listed(header) };
    header.iter().position(|column| column == name).ok_or_else(missing)
}

fn places_of(header: &[String], names: &[String]) -> Result<Vec<usize>, SeriesError> {
    names.iter().map(|name| place_of(header, name)).collect()
}

/// Where columns stand in a row.
struct Places {
    values: Vec<usize>,
    targets: Vec<usize>,
    label: Option<usize>,
    group: Option<usize>,
}

impl Places {
    /// Puts a row at the end of the last run, or of a new one.
    fn add(
        &self,
        columns: &Columns,
        row: &Row,
        number: usize,
        runs: &mut Vec<Run>,
    ) -> Result<(), SeriesError> {
        let line = row.line;
        let cell = |place: usize| row.cells.get(place).map_or("", String::as_str);
        let [label, group] = [self.label, self.group].map(|place| place.map_or("", cell));
        if let Some(column) = columns.label.as_ref().filter(|_| self.label.is_some())
            && label.is_empty()
        {
            return Err(SeriesError::NoLabel { line, column: column.clone() });
        }
        let begins = |run: &Run| run.label != label || run.group != group;
        if runs.last().is_none_or(|run| self.has_single_rows(columns) || begins(run)) {
            let (label, group) = (label.to_owned(), group.to_owned());
            runs.push(Run { group, label, first_row: number, ..Run::default() });
        }
        let Some(run) = runs.last_mut() else { return Ok(()) };
        let number = |place: &usize, column: &String, most: f64| match cell(*place).parse::<f64>() {
            Ok(value) if value.abs() <= most => Ok(value),
            _ => {
                let (column, found) = (column.clone(), shown(cell(*place), 40));
                Err(SeriesError::Value { line, column, found })
            }
        };
        for (place, column) in self.values.iter().zip(&columns.values) {
            run.values.push(number(place, column, f64::MAX)?);
        }
        for (place, column) in self.targets.iter().zip(&columns.targets) {
            run.targets.push(number(place, column, f32::MAX.into())?);
        }
        Ok(())
    }

    /// Whether each row stands alone: nothing says which ones belong together, and none needs
    /// another.
    fn has_single_rows(&self, columns: &Columns) -> bool {
        columns.window == 1 && self.label.is_none() && self.group.is_none()
    }
}

impl Columns {
    /// All windows of the runs.
    ///
    /// # Errors
    /// No window at all.
    pub fn windows<'r>(&self, runs: &'r [Run]) -> Result<Windows<'r>, SeriesError> {
        let mut all = Windows { values: vec![], labels: vec![], targets: vec![] };
        for run in runs {
            for (first, window) in self.cut(run) {
                let last = (first - run.first_row + self.window as usize - 1) * self.targets.len();
                all.values.extend_from_slice(window);
                all.labels.push(run.label.as_str());
                all.targets.extend(run.targets.iter().skip(last).take(self.targets.len()));
            }
        }
        if all.labels.is_empty() {
            let channels = self.values.len().max(1);
            let longest = runs.iter().map(|run| run.values.len() / channels).max().unwrap_or(0);
            return Err(SeriesError::NoWindow { window: self.window, runs: runs.len(), longest });
        }
        Ok(all)
    }

    /// First row, from 1, and values of each window of a run.
    pub fn cut<'r>(&self, run: &'r Run) -> impl Iterator<Item = (usize, &'r [f64])> + use<'r> {
        let channels = self.values.len().max(1);
        let window = self.window as usize * channels;
        let starts = (0..run.values.len()).step_by((self.step as usize * channels).max(1));
        let cut = move |start| {
            Some((run.first_row + start / channels, run.values.get(start..start + window)?))
        };
        starts.map_while(cut)
    }

    /// A run up to some row, and from there on: a part of `share` of its rows.
    fn ends_of(&self, run: &Run, share: f64) -> [Vec<Run>; 2] {
        let (channels, targets) = (self.values.len().max(1), self.targets.len());
        let rows = run.values.len() / channels;
        let first = rows - (rows as f64 * share).round() as usize;
        let mut begin = run.clone();
        let end = Run {
            first_row: run.first_row + first,
            values: begin.values.split_off(first * channels),
            targets: begin.targets.split_off(first * targets),
            ..begin.clone()
        };
        [vec![begin], vec![end]]
    }

    /// How many runs are shorter than a window.
    pub fn too_short(&self, runs: &[Run]) -> usize {
        let window = self.window as usize * self.values.len();
        runs.iter().filter(|run| run.values.len() < window).count()
    }
}

/// Cuts runs in two by their groups, or each for itself where there are none: a group is tested on
/// if the hash of its name, of a run that of its values, is below `share`. A single run without a
/// label is tested on from some row on.
///
/// # Errors
/// A share that leaves one side empty.
pub fn split(runs: Vec<Run>, share: f64, columns: &Columns) -> Result<[Vec<Run>; 2], SeriesError> {
    if let ([run], None, None) = (&runs[..], &columns.label, &columns.group) {
        return Ok(columns.ends_of(run, share));
    }
    let hashes: Vec<f64> = runs.iter().map(hash).collect();
    let mut groups = hashes.clone();
    groups.sort_by(f64::total_cmp);
    groups.dedup();
    let tests = groups.iter().filter(|hash| **hash < share).count();
    if tests == 0 || tests == groups.len() {
        return Err(SeriesError::Share { groups: groups.len(), share, tests });
    }
    let mut parts = [Vec::new(), Vec::new()];
    for (run, hash) in runs.into_iter().zip(hashes) {
        parts[usize::from(hash < share)].push(run);
    }
    Ok(parts)
}

/// From 0 to below 1.
fn hash(run: &Run) -> f64 {
    let mut hash = Sha256::new();
    match run.group.is_empty() {
        true => run.values.iter().for_each(|value| hash.update(value.to_le_bytes())),
        false => hash.update(run.group.as_bytes()),
    }
    super::share::part(&hash.finalize())
}

/// The files of the parts in a folder: `train.csv`, and `test.csv` where it is there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let files = ["train.csv", "test.csv"].map(|name| folder.join(name));
    files.into_iter().filter(|file| file.is_file()).collect()
}
