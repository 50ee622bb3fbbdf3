//! Random changes of training inputs, drawn anew for each of them in each epoch.

pub mod picture;
pub mod series;

use crate::data::Dataset;
use crate::forward::Layout;
use crate::network::Input;
use crate::recipe::Recipe;

/// Changes inputs of one shape.
#[derive(Clone, Debug)]
pub enum Distorter {
    /// Pictures.
    Picture(Box<picture::Distorter>),
    /// Series: rows are moments.
    Series(series::Distorter),
}

impl Distorter {
    /// What the recipe asks for; `None` where inputs stay as they are.
    pub fn of(recipe: &Recipe, input: &Input, layout: &Layout) -> Option<Self> {
        let (part, origin) = (layout.input, layout.input_origin);
        let picture =
            recipe.augment.map(|recipe| picture::Distorter::new(recipe, input, part, origin));
        let series = recipe
            .augment_series
            .map(|recipe| series::Distorter::new(recipe, *input, part, origin));
        picture.map(Box::new).map(Self::Picture).or(series.map(Self::Series))
    }

    /// Strength in an epoch, from 1, of `epochs`.
    pub fn strength(&self, epoch: usize, epochs: usize) -> f32 {
        match self {
            Self::Picture(distorter) => distorter.strength(epoch, epochs),
            Self::Series(_) => 1.0,
        }
    }

    /// What changes inputs of `images` with random numbers of `(seed, epoch, image)`.
    pub fn placer<'p>(
        &'p self,
        images: &'p Dataset,
        seed: u64,
        epoch: usize,
        strength: f32,
    ) -> Placer<'p> {
        match self {
            Self::Picture(distorter) => {
                Placer::Picture(Box::new(distorter.placer(images, seed, epoch, strength)))
            }
            Self::Series(distorter) => Placer::Series(distorter.placer(images, seed, epoch)),
        }
    }
}

/// Changes one input after the other.
pub enum Placer<'p> {
    /// Pictures.
    Picture(Box<picture::Placer<'p>>),
    /// Series.
    Series(series::Placer<'p>),
}

impl Placer<'_> {
    /// Writes input `index`, changed.
    pub fn place(&mut self, index: usize, out: &mut [f32]) {
        match self {
            Self::Picture(placer) => placer.place(index, out),
            Self::Series(placer) => placer.place(index, out),
        }
    }
}
