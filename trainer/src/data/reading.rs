//! How a data set is read: what the command line can say of it.

use std::path::PathBuf;

use infer::Shape;
pub use pictures::picture::Resize;
use serde::{Deserialize, Serialize};

/// How a data set is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// How pictures of another size become images.
    #[serde(default)]
    pub resize: Resize,
    /// Whether rows and columns of every image are exchanged.
    #[serde(default)]
    pub transpose: bool,
    /// Share of the images that become test images, for data without a test part; 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// What the columns of a CSV file are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// File with the name of each class, one a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
}

/// What the columns of a file are, and how windows are cut out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Columns of values: the channels, in this order.
    pub values: Vec<String>,
    /// Column of the class, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Columns of the real values to answer; those of a window are its last row's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Column of what must not be parted, such as the person who wears the sensor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Rows of a window.
    pub window: u16,
    /// Rows from the beginning of a window to that of the next.
    pub step: u16,
}

/// Images as a network takes them: what pictures are made into.
pub type Wanted = Option<Shape>;
