//! Writes a network as a C header, for `tests/cmsis-nn`:
//!
//! ```text
//! c_network model MODEL IMAGES HEADER [cropped]
//! c_network public FOLDER NAME HEADER [saved]
//! ```
//!
//! MODEL is a model file whose first layers read no padding, and IMAGES holds raw images for it.
//! With `cropped` the images are only the part that the network reads. FOLDER holds the networks of
//! MLPerf Tiny: see [`tests::imported`]. With `saved` channels that are constant for every input
//! are left out, as `trainer import` does.
//!
//! The header has the layers in the order and with the multipliers that CMSIS-NN reads, the images,
//! and the answers of the reference kernels with two roundings, as CMSIS-NN rounds.

use std::fmt::{Display, Write};
use std::path::Path;
use std::{env, fs, process};

use infer::format::Scaling;
use infer::quant::{ChannelParameters, Factor};
use infer::{Model, Shape};
use tests::imported::{Imported, reference};
use trainer::model_file::ModelTable;
use trainer::ops::{add, average_pool, conv, depthwise, max_pool, softmax};
use trainer::plain_model::{PlainKind, PlainLayer, PlainModel};

/// Images that CMSIS-NN answers of a public network.
const IMAGES: usize = 3;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (header, text) = match words[..] {
        ["model", model, images, header] => (header, of_file(model, images, false)),
        ["model", model, images, header, "cropped"] => (header, of_file(model, images, true)),
        ["public", folder, name, header] => (header, of_public(folder, name, Imported::whole)),
        ["public", folder, name, header, "saved"] => {
            (header, of_public(folder, name, Imported::public))
        }
        _ => refuse(
            "c_network model MODEL IMAGES HEADER [cropped] | public FOLDER NAME HEADER [saved]",
        ),
    };
    fs::write(header, text).unwrap_or_else(|error| refuse(&at(header, error)));
}

/// The header of a model file.
fn of_file(model: &str, images: &str, is_cropped: bool) -> String {
    let read = |path: &str| fs::read(path).unwrap_or_else(|error| refuse(&at(path, error)));
    let (file, images) = (read(model), read(images));
    let mut table = ModelTable::new();
    let model =
        Model::from_bytes(&file, &mut table).unwrap_or_else(|error| refuse(&at(model, error)));
    let model = rounded_twice(PlainModel::of(&model));
    let answers = reference(&model, &images);
    network(&model, &images, &answers, is_cropped)
}

/// The header of a public network.
fn of_public(folder: &str, name: &str, read: fn(&Path, &str) -> Imported) -> String {
    let imported = read(Path::new(folder), name);
    let (images, answers) = imported.first(IMAGES);
    network(&imported.model, images, answers, false)
}

fn at(path: &str, error: impl Display) -> String {
    format!("{path}: {error}")
}

fn refuse(problem: &str) -> ! {
    eprintln!("error: {problem}");
    process::exit(2)
}

/// What a layer is to the program.
const TYPES: &str = "\
/* Made by c_network. */
typedef struct { int height, width; } Step;
typedef struct { int height, width, channels; } Size;
typedef struct {
    enum { CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL, ADD, DENSE, SOFTMAX } kind;
    int inputs[2]; /* 0 is the image, n what layer n makes, counted from 1 */
    int place;     /* of what it makes, in the memory for maps */
    Size input, output;
    Step kernel, stride, padding;
    int input_offsets[2], output_offset;
    const int8_t *weights;
    const int32_t *biases, *multipliers, *shifts;
    int is_per_channel;
} Layer;
";

/// The header.
fn network(model: &PlainModel, images: &[u8], answers: &[i8], is_cropped: bool) -> String {
    let image = if is_cropped { model.input.shape } else { model.image };
    let layers = layers(model, image);
    let dense = layers.iter().filter(|layer| layer.kind == "DENSE");
    let mut text = TYPES.to_owned();
    let _ = write!(
        text,
        "#define LAYERS {}\n#define DENSE_LAYERS {}\n#define IMAGES {}\n#define ANSWERS {}\n\
         #define UNITS_MAX {}\n#define MAP_BYTES {}\n",
        layers.len(),
        dense.clone().count().max(1),
        images.len() / model.image.len(),
        answers.len() / (images.len() / model.image.len()),
        dense.map(|layer| layer.output.len()).max().unwrap_or(1),
        layers.last().map_or(0, |layer| layer.place + layer.output.len()),
    );
    let images = images.chunks_exact(model.image.len());
    let images: Vec<i8> = match is_cropped {
        true => images.flat_map(|image| cropped(model, image)).collect(),
        false => images.flatten().map(|pixel| (pixel ^ 0x80) as i8).collect(),
    };
    array(&mut text, "int8_t", &format!("images[][{}]", image.len()), &images);
    array(&mut text, "int8_t", "answers[][ANSWERS]", answers);
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
#[derive(Clone)]
struct Layer<'m> {
    kind: &'static str,
    /// The layers, counted from 1, that make what it reads; 0 is the image.
    inputs: [usize; 2],
    /// Place of what it makes, bytes.
    place: usize,
    input: Shape,
    output: Shape,
    kernel: [u16; 2],
    stride: [u8; 2],
    /// Rows and columns before the map that the first window reads.
    padding: [u16; 2],
    zero_points: [i8; 2],
    output_zero_point: i8,
    /// None where there are no weights.
    numbers: Option<&'m PlainLayer>,
    /// Factors where there are no weights.
    factors: Vec<Factor>,
}

/// The layers for an image of a shape. A map is as large as the one before it makes it, whether
/// all of it is read or not.
fn layers(model: &PlainModel, image: Shape) -> Vec<Layer<'_>> {
    let (mut layers, mut made_by): (Vec<Layer<'_>>, _) = (vec![], vec![(0, image)]);
    for layer in &model.layers {
        let inputs = [0, 1].map(|input| layer.inputs.get(input).map_or(0, |edge| edge.number));
        let (_, input) = made_by[inputs[0]];
        let inputs = inputs.map(|input| made_by[input].0);
        for (index, made) in of_layer(layer, input).into_iter().enumerate() {
            let before = layers.last().map_or(0, |last| last.place + last.output.len());
            let inputs = if index == 0 { inputs } else { [layers.len(), 0] };
            layers.push(Layer { inputs, place: before.next_multiple_of(16), ..made });
        }
        made_by.push((layers.len(), layers.last().map_or(input, |last| last.output)));
    }
    layers
}

fn of_layer(layer: &PlainLayer, input: Shape) -> Vec<Layer<'_>> {
    let zero_point =
        |input: usize| layer.inputs.get(input).map_or(0, |edge| edge.tensor.quant.zero_point);
    let whole = Layer {
        kind: "DENSE",
        inputs: [0, 0],
        place: 0,
        input,
        output: layer.output.shape,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        zero_points: [zero_point(0), zero_point(1)],
        output_zero_point: layer.output.quant.zero_point,
        numbers: Some(layer),
        factors: vec![],
    };
    let none = Layer { numbers: None, ..whole.clone() };
    match layer.kind {
        PlainKind::Dense(_) => vec![whole],
        PlainKind::Conv(conv::Plain { kernel, stride, dilation: [1, 1], origin, pool }) => {
            let (kernel, padding) = (kernel.map(u16::from), padding(layer, origin));
            let output = match pool {
                [1, 1] => layer.output.shape,
                _ => windows(input, layer.output.shape.channels, kernel, stride),
            };
            let conv = Layer { kind: "CONV", output, kernel, stride, padding, ..whole.clone() };
            let zero_points = [whole.output_zero_point; 2];
            let pooled = Layer { input: output, zero_points, ..none };
            if pool == [1, 1] { vec![conv] } else { vec![conv, max_pool(pooled, pool, pool)] }
        }
        PlainKind::Depthwise(depthwise::Plain { kernel, stride, origin }) => {
            let (kernel, padding) = (kernel.map(u16::from), padding(layer, origin));
            vec![Layer { kind: "DEPTHWISE", kernel, stride, padding, ..whole }]
        }
        PlainKind::MaxPool(max_pool::Plain { size, stride, origin: [0, 0] }) => {
            vec![max_pool(none, size, stride)]
        }
        PlainKind::AveragePool(average_pool::Plain { size, stride, origin }) => {
            let padding = padding(layer, origin);
            vec![Layer { kind: "AVERAGE_POOL", kernel: size, stride, padding, ..none }]
        }
        PlainKind::Add(add::Plain { origins: [[0, 0], [0, 0]], scaling }) => {
            vec![Layer { kind: "ADD", factors: factors_of_sum(layer, scaling), ..none }]
        }
        PlainKind::Softmax(softmax::Plain { factor }) => {
            vec![Layer { kind: "SOFTMAX", factors: vec![factor], ..none }]
        }
        _ => refuse(&format!("{}: the program for CMSIS-NN has no such layer", layer.name)),
    }
}

fn padding(layer: &PlainLayer, origin: [i16; 2]) -> [u16; 2] {
    let no_padding = |_| refuse(&format!("{}: begins within its map", layer.name));
    origin.map(|origin| u16::try_from(-origin).unwrap_or_else(no_padding))
}

/// Those of both inputs and of the sum.
fn factors_of_sum(layer: &PlainLayer, scaling: Scaling) -> Vec<Factor> {
    let Scaling::Twice { scaled, multipliers, shifts } = scaling else {
        refuse(&format!("{}: a sum with one rounding", layer.name))
    };
    let of = |index: usize| Factor { multiplier: multipliers[index], shift: shifts[index] };
    let half = Factor { multiplier: 1 << 30, shift: 0 };
    match scaled {
        0 => vec![of(0), half, of(1)],
        _ => vec![half, of(0), of(1)],
    }
}

/// The pooling of a map; it may follow a convolution.
fn max_pool(of: Layer<'_>, kernel: [u8; 2], stride: [u8; 2]) -> Layer<'_> {
    let kernel = kernel.map(u16::from);
    let output = windows(of.input, of.input.channels, kernel, stride);
    Layer { kind: "MAX_POOL", output, kernel, stride, ..of }
}

/// The map of all windows that lie inside of another.
fn windows(input: Shape, channels: u16, kernel: [u16; 2], stride: [u8; 2]) -> Shape {
    let count = |side: u16, axis: usize| (side - kernel[axis]) / u16::from(stride[axis]) + 1;
    Shape::new(count(input.height, 0), count(input.width, 1), channels)
}

impl Layer<'_> {
    /// Writes its numbers, and makes its entry in the list of layers.
    fn write(&self, text: &mut String, at: usize) -> String {
        let names = match self.numbers {
            None if self.factors.is_empty() => "0, 0, 0, 0, 0".to_owned(),
            None => {
                write_factors(text, at, &self.factors);
                format!("0, 0, multipliers_{at}, shifts_{at}, 0")
            }
            Some(layer) => self.write_numbers(text, at, layer),
        };
        let size = |Shape { height, width, channels }| format!("{{{height}, {width}, {channels}}}");
        let step = |[rows, columns]: [u16; 2]| format!("{{{rows}, {columns}}}");
        let [from, with] = self.inputs;
        let [first, second] = self.zero_points.map(|zero_point| -i32::from(zero_point));
        format!(
            "    {{{}, {{{from}, {with}}}, {}, {}, {}, {}, {}, {}, \
             {{{first}, {second}}}, {}, {names}}},\n",
            self.kind,
            self.place,
            size(self.input),
            size(self.output),
            step(self.kernel),
            step(self.stride.map(u16::from)),
            step(self.padding),
            self.output_zero_point,
        )
    }

    /// Writes weights and the numbers of channels, and gives their names.
    fn write_numbers(&self, text: &mut String, at: usize, layer: &PlainLayer) -> String {
        let taps = layer.weights.len() / layer.channels.len();
        let zero_point = i32::from(self.zero_points[0]);
        let biases = (layer.channels.iter())
            .zip(layer.weights.chunks_exact(taps))
            .map(|(channel, weights)| bias(channel, weights, zero_point));
        let biases: Vec<i32> = biases.collect();
        let weights = match self.kind {
            "DEPTHWISE" => tap_by_tap(&layer.weights, taps),
            _ => layer.weights.clone(),
        };
        array(text, "int8_t", &format!("weights_{at}[]"), &weights);
        array(text, "int32_t", &format!("biases_{at}[]"), &biases);
        let factor = |of: &ChannelParameters| Factor {
            multiplier: of.multiplier,
            shift: of.shift.unwrap_or_default(),
        };
        let factors: Vec<Factor> = layer.channels.iter().map(factor).collect();
        write_factors(text, at, &factors);
        let is_per_channel = u8::from(factors.iter().any(|factor| *factor != factors[0]));
        format!("weights_{at}, biases_{at}, multipliers_{at}, shifts_{at}, {is_per_channel}")
    }
}

/// Weights of all channels for a tap, then those for the next.
fn tap_by_tap(weights: &[i8], taps: usize) -> Vec<i8> {
    (0..taps).flat_map(|tap| weights.iter().skip(tap).step_by(taps)).copied().collect()
}

fn write_factors(text: &mut String, at: usize, factors: &[Factor]) {
    let multipliers: Vec<i32> = factors.iter().map(|factor| factor.multiplier).collect();
    let shifts: Vec<i8> = factors.iter().map(|factor| factor.shift).collect();
    array(text, "int32_t", &format!("multipliers_{at}[]"), &multipliers);
    array(text, "int32_t", &format!("shifts_{at}[]"), &shifts);
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
