//! Writes the network of a model file as a C header, for `tests/cmsis-nn`:
//!
//! ```text
//! c_network MODEL IMAGES HEADER [cropped]
//! ```
//!
//! MODEL is a chain of convolutions without padding, poolings and dense layers, and IMAGES holds
//! raw images for it. The header has the layers in the order and with the multipliers that CMSIS-NN
//! reads, the images, and the scores that the reference kernels give with two roundings, as
//! CMSIS-NN rounds. With `cropped` the images are only the part that the network reads.

use std::fmt::{Display, Write};
use std::{env, fs, process};

use infer::quant::ChannelParameters;
use infer::{Model, Shape};
use tests::imported::reference;
use trainer::model_file::ModelTable;
use trainer::ops::{conv, max_pool};
use trainer::plain_model::{PlainKind, PlainLayer, PlainModel};

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (model, images, header, is_cropped) = match words[..] {
        [model, images, header] => (model, images, header, false),
        [model, images, header, "cropped"] => (model, images, header, true),
        _ => refuse("c_network MODEL IMAGES HEADER [cropped]"),
    };
    let read = |path: &str| fs::read(path).unwrap_or_else(|error| refuse(&at(path, error)));
    let (file, images) = (read(model), read(images));
    let mut table = ModelTable::new();
    let model =
        Model::from_bytes(&file, &mut table).unwrap_or_else(|error| refuse(&at(model, error)));
    let text = network(&PlainModel::of(&model), &images, is_cropped);
    fs::write(header, text).unwrap_or_else(|error| refuse(&at(header, error)));
}

fn at(path: &str, error: impl Display) -> String {
    format!("{path}: {error}")
}

fn refuse(problem: &str) -> ! {
    eprintln!("error: {problem}");
    process::exit(2)
}

/// The header.
fn network(model: &PlainModel, images: &[u8], is_cropped: bool) -> String {
    let model = rounded_twice(model.clone());
    let scores = reference(&model, images);
    let image = if is_cropped { model.input.shape } else { model.image };
    let layers = layers(&model, image);
    let of = |count: &dyn Fn(&Layer) -> usize| layers.iter().map(count).max().unwrap_or(0);
    let dense = layers.iter().filter(|layer| layer.kind == "DENSE");
    let mut text = format!(
        "/* Made by c_network. */\n\
         typedef struct {{ int height, width; }} Step;\n\
         typedef struct {{ int height, width, channels; }} Size;\n\
         typedef struct {{\n    enum {{ CONV, MAX_POOL, DENSE }} kind;\n    \
         Size input, output;\n    Step kernel, stride;\n    \
         int input_offset, output_offset;\n    const int8_t *weights;\n    \
         const int32_t *biases, *multipliers, *shifts;\n}} Layer;\n\
         #define LAYERS {}\n#define DENSE_LAYERS {}\n#define IMAGES {}\n#define CLASSES {}\n\
         #define UNITS_MAX {}\n#define MAP_BYTES_MAX {}\n",
        layers.len(),
        dense.clone().count(),
        images.len() / model.image.len(),
        model.classes(),
        dense.map(|layer| layer.output.len()).max().unwrap_or(0),
        of(&|layer| layer.output.len()),
    );
    let images = images.chunks_exact(model.image.len());
    let images: Vec<i8> = match is_cropped {
        true => images.flat_map(|image| cropped(&model, image)).collect(),
        false => images.flatten().map(|pixel| (pixel ^ 0x80) as i8).collect(),
    };
    array(&mut text, "int8_t", &format!("images[][{}]", image.len()), &images);
    array(&mut text, "int8_t", &format!("scores[][{}]", model.classes()), &scores);
    let entries: Vec<String> = (0..).zip(&layers).map(|(at, of)| of.write(&mut text, at)).collect();
    let _ = writeln!(text, "static const Layer layers[] = {{\n{}}};", entries.concat());
    text
}

/// The same network with multipliers of 31 bits and a shift. CMSIS-NN rounds twice.
fn rounded_twice(mut model: PlainModel) -> PlainModel {
    model.self_test = None;
    for channel in model.layers.iter_mut().flat_map(|layer| &mut layer.channels) {
        if channel.shift.is_none() {
            let shift = channel.multiplier.leading_zeros() as i8 - 1;
            (channel.multiplier, channel.shift) = (channel.multiplier << shift, Some(-1 - shift));
        }
    }
    model
}

/// The part of an image that the network reads.
fn cropped(model: &PlainModel, image: &[u8]) -> Vec<i8> {
    let (part, [top, left]) = (model.input.shape, model.origin.map(usize::from_origin));
    let channels = model.image.channels as usize;
    let row = |row: usize| {
        let start = ((top + row) * model.image.width as usize + left) * channels;
        &image[start..start + part.row_len()]
    };
    (0..part.height.into()).flat_map(row).map(|pixel| (pixel ^ 0x80) as i8).collect()
}

trait FromOrigin {
    fn from_origin(origin: i16) -> Self;
}

impl FromOrigin for usize {
    fn from_origin(origin: i16) -> Self {
        usize::try_from(origin).unwrap_or_else(|_| refuse("the image is padded"))
    }
}

/// A layer of CMSIS-NN.
struct Layer<'m> {
    kind: &'static str,
    input: Shape,
    output: Shape,
    kernel: [u8; 2],
    stride: [u8; 2],
    zero_points: [i8; 2],
    /// None for a pooling.
    numbers: Option<&'m PlainLayer>,
}

/// The layers for an image of a shape. A map is as large as the one before it makes it, whether
/// all of it is read or not.
fn layers(model: &PlainModel, image: Shape) -> Vec<Layer<'_>> {
    let (mut layers, mut input) = (vec![], image);
    for layer in &model.layers {
        let made = of_layer(layer, input);
        input = made.last().map_or(input, |last| last.output);
        layers.extend(made);
    }
    layers
}

fn of_layer(layer: &PlainLayer, input: Shape) -> Vec<Layer<'_>> {
    let zero_points = [layer.inputs[0].tensor.quant.zero_point, layer.output.quant.zero_point];
    let whole = Layer {
        kind: "DENSE",
        input,
        output: layer.output.shape,
        kernel: [1, 1],
        stride: [1, 1],
        zero_points,
        numbers: Some(layer),
    };
    match layer.kind {
        PlainKind::Dense(_) => vec![whole],
        PlainKind::Conv(conv::Plain { kernel, stride, dilation: [1, 1], origin: [0, 0], pool }) => {
            let output = windows(input, layer.output.shape.channels, kernel, stride);
            let conv = Layer { kind: "CONV", output, kernel, stride, ..whole };
            match pool {
                [1, 1] => vec![conv],
                _ => vec![conv, max_pool(output, pool, pool, zero_points)],
            }
        }
        PlainKind::MaxPool(max_pool::Plain { size, stride, origin: [0, 0] }) => {
            vec![max_pool(input, size, stride, zero_points)]
        }
        _ => refuse(&format!("{}: no convolution without padding, pooling or dense", layer.name)),
    }
}

fn max_pool<'m>(input: Shape, kernel: [u8; 2], stride: [u8; 2], zero_points: [i8; 2]) -> Layer<'m> {
    let output = windows(input, input.channels, kernel, stride);
    Layer { kind: "MAX_POOL", input, output, kernel, stride, zero_points, numbers: None }
}

/// The map of all windows that lie inside of another.
fn windows(input: Shape, channels: u16, kernel: [u8; 2], stride: [u8; 2]) -> Shape {
    let count =
        |side: u16, axis: usize| (side - u16::from(kernel[axis])) / u16::from(stride[axis]) + 1;
    Shape::new(count(input.height, 0), count(input.width, 1), channels)
}

impl Layer<'_> {
    /// Writes its numbers, and makes its entry in the list of layers.
    fn write(&self, text: &mut String, at: usize) -> String {
        let [zero_in, zero_out] = self.zero_points.map(i32::from);
        let names = match self.numbers {
            None => "0, 0, 0, 0".to_owned(),
            Some(layer) => {
                let of = |name: &str| format!("{name}_{at}[]");
                let taps = layer.weights.len() / layer.channels.len();
                let biases = (layer.channels.iter())
                    .zip(layer.weights.chunks_exact(taps))
                    .map(|(channel, weights)| bias(channel, weights, zero_in));
                let biases: Vec<i32> = biases.collect();
                array(text, "int8_t", &of("weights"), &layer.weights);
                array(text, "int32_t", &of("biases"), &biases);
                let channels = || layer.channels.iter();
                let multipliers: Vec<i32> = channels().map(|of| of.multiplier).collect();
                array(text, "int32_t", &of("multipliers"), &multipliers);
                let shifts: Vec<i8> = channels().filter_map(|of| of.shift).collect();
                array(text, "int32_t", &of("shifts"), &shifts);
                format!("weights_{at}, biases_{at}, multipliers_{at}, shifts_{at}")
            }
        };
        let size = |Shape { height, width, channels }| format!("{{{height}, {width}, {channels}}}");
        let step = |[rows, columns]: [u8; 2]| format!("{{{rows}, {columns}}}");
        format!(
            "    {{{}, {}, {}, {}, {}, {}, {zero_out}, {names}}},\n",
            self.kind,
            size(self.input),
            size(self.output),
            step(self.kernel),
            step(self.stride),
            -zero_in,
        )
    }
}

/// The bias before the input's zero point was taken into it: CMSIS-NN adds that to each input.
fn bias(channel: &ChannelParameters, weights: &[i8], zero_in: i32) -> i32 {
    channel.bias + zero_in * weights.iter().map(|weight| i32::from(*weight)).sum::<i32>()
}

fn array(text: &mut String, element: &str, name: &str, values: &[impl Display]) {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    let lines: Vec<String> = values.chunks(16).map(|line| line.join(", ")).collect();
    let _ = writeln!(
        text,
        "static const {element} {name} __attribute__((aligned(4))) = {{\n{}}};",
        lines.join(",\n")
    );
}
