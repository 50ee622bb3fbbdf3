//! CSV files, row by row.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use thiserror::Error;

/// Most bytes of a row.
const ROW_BYTES_MAX: usize = 1 << 16;

/// Most cells of a row.
const CELLS_MAX: usize = 1 << 12;

/// A file with a line of column names and a row for each further line.
pub struct Table {
    source: BufReader<File>,
    reader: csv_core::Reader,
    header: Vec<String>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Line of the file where it begins, from 1.
    pub line: u64,
    /// As many cells as there are columns, without the blanks around them.
    pub cells: Vec<String>,
}

/// Why a file is no table.
#[derive(Debug, Error)]
pub enum TableError {
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// No line.
    #[error("it is empty: the first line must name the columns")]
    Empty,
    /// A line that does not end.
    #[error("line {line} is longer than a row can be: is it a CSV file?")]
    TooLong {
        /// Line of the file, from 1.
        line: u64,
    },
    /// Another number of cells than of columns.
    #[error("line {line} has {found} cells, the first line has {columns}")]
    Cells {
        /// Line of the file, from 1.
        line: u64,
        /// Cells.
        found: usize,
        /// Columns.
        columns: usize,
    },
}

impl From<io::Error> for TableError {
    fn from(cause: io::Error) -> Self {
        Self::Unreadable(cause)
    }
}

impl Table {
    /// Opens a table whose cells are parted by what its first line has most of: comma, semicolon or
    /// tab.
    ///
    /// # Errors
    /// A file that cannot be read, or has no first line.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let mut source = BufReader::new(File::open(path)?);
        let start = source.fill_buf()?;
        let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |mark: &u8| first.iter().filter(|byte| *byte == mark).count();
        // The last of several equal ones is taken: the comma.
        let mark = *b"\t;,".iter().max_by_key(|mark| count(mark)).unwrap_or(&b',');
        // Carriage returns are among the blanks that are taken off.
        let reader =
            ReaderBuilder::new().delimiter(mark).terminator(Terminator::Any(b'\n')).build();
        let (text, ends) = (vec![0; ROW_BYTES_MAX], vec![0; CELLS_MAX]);
        let mut table = Self { source, reader, header: Vec::new(), text, ends };
        table.header = table.record()?.ok_or(TableError::Empty)?.cells;
        Ok(table)
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// A row that has too many cells or too few, or that cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Row>, TableError> {
        let Some(row) = self.record()? else { return Ok(None) };
        match (row.cells.len(), self.header.len()) {
            (found, columns) if found != columns => {
                Err(TableError::Cells { line: row.line, found, columns })
            }
            _ => Ok(Some(row)),
        }
    }

    /// The next line that is not empty.
    fn record(&mut self) -> Result<Option<Row>, TableError> {
        loop {
            match self.line()? {
                Some(row) if row.cells.iter().all(String::is_empty) && row.cells.len() == 1 => {}
                row => return Ok(row),
            }
        }
    }

    fn line(&mut self) -> Result<Option<Row>, TableError> {
        let (mut bytes, mut cells, mut is_ended) = (0, 0, false);
        loop {
            let input = self.source.fill_buf()?;
            let (text, ends) = (&mut self.text[bytes..], &mut self.ends[cells..]);
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            is_ended = if read > 0 { input[read - 1] == b'\n' } else { is_ended };
            self.source.consume(read);
            (bytes, cells) = (bytes + written, cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(TableError::TooLong { line: self.reader.line() });
                }
                ReadRecordResult::Record => return Ok(Some(self.row(is_ended, cells))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The row that was read, up to the end of its line or to that of the file.
    fn row(&self, is_ended: bool, cells: usize) -> Row {
        let ends = &self.ends[..cells];
        let text = &self.text[..ends.last().copied().unwrap_or(0)];
        let inside = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = self.reader.line() - u64::from(is_ended) - inside;
        let starts = [0].iter().chain(ends);
        let cell = |(start, end): (&usize, &usize)| {
            String::from_utf8_lossy(&self.text[*start..*end]).trim().to_owned()
        };
        Row { line, cells: starts.zip(ends).map(cell).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Line and cells of each row.
    type Rows = Vec<(u64, Vec<String>)>;

    /// Header and rows.
    fn read(text: &[u8]) -> Result<(Vec<String>, Rows), String> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, text).unwrap();
        let said = |error: TableError| error.to_string();
        let mut table = Table::open(&path).map_err(said)?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().map_err(said)? {
            rows.push((row.line, row.cells));
        }
        Ok((table.header().to_vec(), rows))
    }

    #[test]
    fn cells_are_quoted_parted_and_counted_by_line() {
        let expected = (
            vec!["a".to_owned(), "b, c".to_owned()],
            vec![(2, vec!["1".to_owned(), "x\ny".to_owned()]), (5, vec!["2".into(), "".into()])],
        );
        let text = "a,\"b, c\"\n 1 ,\"x\ny\"\n\n2,\n";
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
        assert_eq!(read(text.replace('\n', "\r\n").as_bytes()).unwrap().1[1], expected.1[1]);
        assert_eq!(
            read("a\tb\n1,5\t2".as_bytes()).unwrap().1,
            [(2, vec!["1,5".into(), "2".into()])]
        );
        assert_eq!(read("\u{feff}a;b\n".as_bytes()).unwrap().0, ["a", "b"]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(read(b"").unwrap_err(), "it is empty: the first line must name the columns");
        assert_eq!(read(b"a,b\n1\n").unwrap_err(), "line 2 has 1 cells, the first line has 2");
        for byte in [b'a', b',', b'"', 0xff] {
            let long = vec![byte; 1 << 20];
            assert!(read(&long).unwrap_err().starts_with("line 1 is longer"), "{byte}");
        }
    }
}
