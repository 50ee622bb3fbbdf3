//! Which part of the image and of each feature map is read at all: the demand of `graph::demand`,
//! as pictures.

use infer::Shape;

use super::picture::Picture;
use super::plot::{Plot, maps};
use super::value::{Count, Percent};
use crate::data::Dataset;
use crate::graph::{Demand, DemandError, Region, demand};
use crate::network::Network;

/// One map with the part of it that is read.
pub struct MapView {
    /// Whose output it is.
    pub name: String,
    /// Rows, columns and channels as described.
    pub shape: String,
    /// Rows, columns that are read, and channels.
    pub read: String,
    /// Share of its rows and columns that is read.
    pub share: Percent,
    /// Values that are not computed.
    pub saved: Count,
    /// The picture.
    pub plot: Plot,
    /// What lies behind it: the mean of the test images behind the image's plot.
    pub behind: Option<Picture>,
}

/// Larger images are drawn without their mean behind them, to keep the page small.
const MEAN_BYTES_MAX: usize = 50_000;

/// The image, then each map that has more than one pixel.
///
/// # Errors
/// A network that cannot be planned.
pub fn views(network: &Network, images: &Dataset) -> Result<Vec<MapView>, DemandError> {
    let Demand { input, stages: demanded, .. } = demand(network)?;
    let mut views = vec![image(network.input.offset, input, images)];
    for (stage, demanded) in network.stages()?.iter().zip(&demanded) {
        let shape = stage.output();
        if (shape.height, shape.width) != (1, 1) {
            views.push(view(&stage.name, shape, demanded.region));
        }
    }
    Ok(views)
}

/// The image: what the network reads of it lies `offset` below and right of the network's own
/// coordinates.
fn image(offset: [i16; 2], input: Region, images: &Dataset) -> MapView {
    let shape = images.shape;
    let moved = |range: [u16; 2], by: i16, side: u16| {
        range.map(|end| (end as i32 + by as i32).clamp(0, side as i32) as u16)
    };
    let read = Region {
        rows: moved(input.rows, offset[0], shape.height),
        columns: moved(input.columns, offset[1], shape.width),
    };
    let label = label("the image", shape, read);
    let view = view("image", shape, read);
    if shape.len() > MEAN_BYTES_MAX {
        return view;
    }
    let plot = maps::window(label, shape.height, shape.width, read);
    MapView { plot, behind: Some(Picture::of(shape, &mean(images))), ..view }
}

fn view(name: &str, shape: Shape, read: Region) -> MapView {
    let part = read.shape(shape.channels);
    let pixels = |shape: Shape| shape.height as usize * shape.width as usize;
    MapView {
        name: name.to_owned(),
        shape: shape.to_string(),
        read: part.to_string(),
        share: Percent::of(pixels(part), pixels(shape)),
        saved: Count(shape.len() - part.len()),
        plot: maps::cells(label(name, shape, read), shape.height, shape.width, read),
        behind: None,
    }
}

fn label(name: &str, shape: Shape, read: Region) -> String {
    let [rows, columns] = [read.rows, read.columns];
    format!(
        "Of {name}, {shape}, rows {} to {} and columns {} to {} are read",
        rows[0],
        rows[1].saturating_sub(1),
        columns[0],
        columns[1].saturating_sub(1)
    )
}

/// Pixel by pixel mean of all images.
fn mean(images: &Dataset) -> Vec<u8> {
    let mut sums = vec![0u64; images.shape.len()];
    for index in 0..images.len() {
        for (sum, pixel) in sums.iter_mut().zip(images.image(index)) {
            *sum += *pixel as u64;
        }
    }
    sums.into_iter().map(|sum| (sum / images.len().max(1) as u64) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn the_standard_network_reads_the_middle() {
        let network = Preset::load("standard").unwrap().network;
        let images = Dataset {
            shape: Shape::new(28, 28, 1),
            pixels: vec![7; 784 * 2],
            labels: vec![0; 2],
            classes: 1,
            targets: vec![],
        };
        let views = views(&network, &images).unwrap();
        let shown: Vec<_> = views
            .iter()
            .map(|view| (view.name.as_str(), view.shape.as_str(), view.read.as_str()))
            .collect();
        let expected = [
            ("image", "28x28x1", "22x22x1"),
            ("conv1", "13x13x32", "10x10x32"),
            ("conv2", "5x5x64", "4x4x64"),
        ];
        assert_eq!(shown, expected);
        assert!(
            views[0].plot.label.contains("rows 3 to 24 and columns 3 to 24"),
            "{}",
            views[0].plot.label
        );
    }
}
