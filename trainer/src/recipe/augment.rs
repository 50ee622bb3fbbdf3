//! Random changes of the training inputs.

use serde::{Deserialize, Serialize};

/// Random distortion of each training image: one bilinear sample per pixel, then its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Which halves change sides, each for half of the images.
    #[serde(skip_serializing_if = "Flip::is_none")]
    pub flip: Flip,
    /// Largest part of each side that is cut off before the image is enlarged again.
    #[serde(skip_serializing_if = "is_zero")]
    pub crop: f64,
    /// Largest rotation either way, degrees.
    pub rotation_degrees: f64,
    /// Largest `|ln scale|` of each axis.
    pub log_scale: f64,
    /// Largest shear either way.
    pub shear: f64,
    /// Largest shift either way, pixels.
    pub shift_pixels: f64,
    /// Standard deviation of the elastic displacement, pixels.
    pub elastic_pixels: f64,
    /// Points per side of the grid the elastic displacement is drawn on.
    pub elastic_grid: usize,
    /// Largest value added to all pixels, either way; pixels are 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub brightness: f64,
    /// Standard deviation of what is added to each value of each pixel.
    #[serde(skip_serializing_if = "is_zero")]
    pub noise: f64,
    /// Side of a square that is made 0, at a random place.
    #[serde(skip_serializing_if = "is_none")]
    pub cutout_pixels: usize,
    /// Part of the run at its end with weaker distortion.
    pub calm_part: f64,
    /// Strength of the distortion in that part, 0 to 1. Flips have no strength.
    pub calm_strength: f64,
}

impl Default for Augment {
    /// Nothing is changed.
    fn default() -> Self {
        Self {
            flip: Flip::None,
            crop: 0.0,
            rotation_degrees: 0.0,
            log_scale: 0.0,
            shear: 0.0,
            shift_pixels: 0.0,
            elastic_pixels: 0.0,
            elastic_grid: 4,
            brightness: 0.0,
            noise: 0.0,
            cutout_pixels: 0,
            calm_part: 0.0,
            calm_strength: 0.0,
        }
    }
}

impl Augment {
    /// Whether it changes anything.
    pub fn is_something(&self) -> bool {
        let Self { elastic_grid, calm_part, calm_strength, .. } = *self;
        *self != Self { elastic_grid, calm_part, calm_strength, ..Self::default() }
    }
}

/// What is mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// Nothing.
    #[default]
    None,
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Either, each by a draw of its own.
    Both,
}

impl Flip {
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Whether rows (axis 0) or columns may change their order.
    pub fn turns(self, axis: usize) -> bool {
        [[Self::Vertical, Self::Both], [Self::Horizontal, Self::Both]][axis].contains(&self)
    }
}

/// Random changes of each training input whose rows are moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentSeries {
    /// Standard deviation of what is added to each value, in parts of its channel's range.
    pub jitter: f64,
    /// Largest change of how far the values of a channel lie from their mean, either way: 0.2 makes
    /// it 0.8 to 1.2 times as much.
    pub scale: f64,
    /// Largest shift in time either way, rows; the first or the last row is repeated.
    pub time_shift: usize,
}

impl AugmentSeries {
    /// Whether it changes anything.
    pub fn is_something(&self) -> bool {
        *self != Self::default()
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn is_none(value: &usize) -> bool {
    *value == 0
}
