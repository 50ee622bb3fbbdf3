//! The messages of the schema, field by field.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Beside;
use super::error::{Problem, ReadError, shown};
use super::network::{Attribute, ElementType, Network, Node, Tensor, Value};
use super::protobuf::{Field, Message, Source};

const RANK_MAX: usize = 8;
const ELEMENTS_MAX: usize = 1 << 28;

/// A whole file, with the files beside it.
pub(super) fn model<'a>(file: &'a [u8], beside: Beside<'a>) -> Result<Network<'a>, ReadError> {
    let source = Source::new(beside);
    let model = Message::file(file, &source, "Model");
    let (mut producer, mut opset, mut graph) = ("", 0, None);
    for field in model.fields() {
        let field = field?;
        match field.number {
            2 => producer = field.text()?,
            7 => graph = Some(field.message("Graph")?),
            8 => {
                if let ("" | "ai.onnx", version) = operator_set(field.message("OperatorSetId")?)? {
                    opset = version;
                }
            }
            _ => {}
        }
    }
    let Some(graph) = graph else { return Err(ReadError::new("Model", 0, Problem::NoGraph)) };
    Ok(Network { producer, opset, ..self::graph(graph)? })
}

fn operator_set<'a>(message: Message<'_, 'a>) -> Result<(&'a str, i64), ReadError> {
    let (mut domain, mut version) = ("", 0);
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => domain = field.text()?,
            2 => version = field.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

/// A graph; what the model says of it is left out.
fn graph<'a>(message: Message<'_, 'a>) -> Result<Network<'a>, ReadError> {
    let (mut nodes, mut constants) = (Vec::new(), Vec::<Tensor<'_>>::new());
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => match constant_of(node(field.message("Node")?)?) {
                Ok(constant) => constants.push(constant),
                Err(node) => nodes.push(node),
            },
            5 => constants.push(tensor(&field)?),
            11 => inputs.push(value(field.message("ValueInfo")?)?),
            12 => outputs.push(value(field.message("ValueInfo")?)?),
            15 => return Err(field.error(Problem::Sparse)),
            _ => {}
        }
    }
    let names: HashSet<_> = constants.iter().map(|tensor| tensor.name).collect();
    inputs.retain(|input: &Value<'_>| !names.contains(input.name));
    Ok(Network { producer: "", opset: 0, nodes, constants, inputs, outputs })
}

fn node<'a>(message: Message<'_, 'a>) -> Result<Node<'a>, ReadError> {
    let (mut inputs, mut outputs, mut attributes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut name, mut operator, mut domain) = ("", "", "");
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => inputs.push(field.text()?),
            2 => outputs.push(field.text()?),
            3 => name = field.text()?,
            4 => operator = field.text()?,
            5 => attributes.push(attribute(field.message("Attribute")?)?),
            7 => domain = field.text()?,
            _ => {}
        }
    }
    Ok(Node { name, operator, domain, inputs, outputs, attributes })
}

/// The tensor that a node `Constant` makes; other nodes as they are.
fn constant_of(mut node: Node<'_>) -> Result<Tensor<'_>, Node<'_>> {
    let is_constant = node.operator == "Constant" && node.outputs.len() == 1;
    match node.attributes.pop() {
        Some((_, Attribute::Tensor(tensor))) if is_constant => {
            Ok(Tensor { name: node.outputs[0], ..tensor })
        }
        last => {
            node.attributes.extend(last);
            Err(node)
        }
    }
}

/// The numbers of the attribute's types in the schema.
mod attribute_type {
    pub const FLOAT: i64 = 1;
    pub const INT: i64 = 2;
    pub const TEXT: i64 = 3;
    pub const TENSOR: i64 = 4;
    pub const FLOATS: i64 = 6;
    pub const INTS: i64 = 7;
}

fn attribute<'a>(message: Message<'_, 'a>) -> Result<(&'a str, Attribute<'a>), ReadError> {
    let (mut name, mut kind, mut float, mut int) = ("", 0, 0.0, 0);
    let (mut text, mut values) = (&[][..], None);
    let (mut floats, mut ints) = (Vec::new(), Vec::new());
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => name = field.text()?,
            2 => float = field.float()?,
            3 => int = field.integer()?,
            4 => text = field.bytes()?,
            5 => values = Some(tensor(&field)?),
            7 => field.fixed(&mut floats)?,
            8 => field.integers(&mut ints)?,
            20 => kind = field.integer()?,
            _ => {}
        }
    }
    let (floats, _) = floats.as_chunks();
    let attribute = match (kind, values) {
        (attribute_type::FLOAT, _) => Attribute::Float(float),
        (attribute_type::INT, _) => Attribute::Int(int),
        (attribute_type::TEXT, _) => Attribute::Text(text),
        (attribute_type::TENSOR, Some(tensor)) => Attribute::Tensor(tensor),
        (attribute_type::FLOATS, _) => {
            Attribute::Floats(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        (attribute_type::INTS, _) => Attribute::Ints(ints),
        _ => Attribute::Other,
    };
    Ok((name, attribute))
}

/// An input or output: its type is a message in a message.
fn value<'a>(message: Message<'_, 'a>) -> Result<Value<'a>, ReadError> {
    let mut value = Value { name: "", element: None, shape: Vec::new() };
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => value.name = field.text()?,
            2 => {
                for field in field.message("Type")?.fields() {
                    let field = field?;
                    if field.number == 1 {
                        tensor_type(field.message("TensorType")?, &mut value)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(value)
}

fn tensor_type<'a>(message: Message<'_, 'a>, value: &mut Value<'a>) -> Result<(), ReadError> {
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => value.element = ElementType::numbered(field.integer()?),
            2 => {
                for field in field.message("TensorShape")?.fields() {
                    let field = field?;
                    if field.number == 1 {
                        value.shape.push(dimension(field.message("Dimension")?)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A size, or nothing where it has a name only.
fn dimension(message: Message<'_, '_>) -> Result<Option<usize>, ReadError> {
    let mut size = None;
    for field in message.fields() {
        let field = field?;
        if field.number == 1 {
            size = usize::try_from(field.integer()?).ok().filter(|size| *size <= ELEMENTS_MAX);
        }
    }
    Ok(size)
}

/// A tensor, whose values come as bytes or as numbers.
fn tensor<'a>(place: &Field<'_, 'a>) -> Result<Tensor<'a>, ReadError> {
    let (mut dimensions, mut kind, mut name) = (Vec::new(), 0, "");
    let (mut raw, mut fixed, mut integers) = (None, Vec::new(), Vec::new());
    let (mut is_external, mut external) = (false, External::default());
    for field in place.message("Tensor")?.fields() {
        let field = field?;
        match field.number {
            1 => field.integers(&mut dimensions)?,
            2 => kind = field.integer()?,
            4 | 10 => field.fixed(&mut fixed)?,
            5 | 7 => field.integers(&mut integers)?,
            8 => name = field.text()?,
            9 => raw = Some(field.bytes()?),
            13 => external.take(field.message("StringStringEntry")?)?,
            14 => is_external = field.integer()? != 0,
            _ => {}
        }
    }
    let error = |problem| place.error(problem);
    let named = || shown(name);
    if is_external {
        raw = Some(external.values(place).map_err(|problem| error(problem.of(named())))?);
    }
    let element = ElementType::numbered(kind)
        .ok_or_else(|| error(Problem::Element { name: named(), found: kind }))?;
    let Some(shape) = shape(&dimensions) else {
        dimensions.truncate(RANK_MAX + 1);
        return Err(error(Problem::Shape { name: named(), found: dimensions }));
    };
    let data = match raw {
        Some(raw) => Cow::Borrowed(raw),
        None if integers.is_empty() => Cow::Owned(fixed),
        None => Cow::Owned(narrow(&integers, element.bytes())),
    };
    let (found, expected) = (data.len(), shape.iter().product::<usize>() * element.bytes());
    if found != expected {
        return Err(error(Problem::DataBytes { name: named(), found, expected }));
    }
    Ok(Tensor { name, shape, element, data })
}

/// Where the values of a tensor lie in another file.
#[derive(Default)]
struct External<'a> {
    file: &'a str,
    offset: &'a str,
    length: Option<&'a str>,
}

/// Why such values are not there.
enum Missing {
    File(String),
    Folder(String),
    Bytes(String),
}

impl Missing {
    fn of(self, name: String) -> Problem {
        match self {
            Self::File(file) => Problem::ExternalData { name, file },
            Self::Folder(file) => Problem::ExternalFolder { name, file },
            Self::Bytes(file) => Problem::ExternalBytes { name, file },
        }
    }
}

impl<'a> External<'a> {
    /// An entry of a key and a value.
    fn take(&mut self, message: Message<'_, 'a>) -> Result<(), ReadError> {
        let (mut key, mut value) = ("", "");
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => key = field.text()?,
                2 => value = field.text()?,
                _ => {}
            }
        }
        match key {
            "location" => self.file = value,
            "offset" => self.offset = value,
            "length" => self.length = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// The bytes, of a file in the same folder.
    fn values(&self, place: &Field<'_, 'a>) -> Result<&'a [u8], Missing> {
        let name = || self.file.to_owned();
        if !is_file_name(self.file) {
            return Err(Missing::Folder(name()));
        }
        let file = place.beside(self.file).ok_or_else(|| Missing::File(name()))?;
        let number = |text: &str| text.parse::<usize>().ok();
        let offset = if self.offset.is_empty() { Some(0) } else { number(self.offset) };
        let rest = offset.and_then(|offset| file.get(offset..));
        let bytes = match self.length {
            Some(length) => rest.zip(number(length)).and_then(|(rest, length)| rest.get(..length)),
            None => rest,
        };
        bytes.ok_or_else(|| Missing::Bytes(name()))
    }
}

/// Whether a place names a file in the same folder, whatever the system.
fn is_file_name(place: &str) -> bool {
    !matches!(place, "" | "." | "..") && !place.contains(['/', '\\', ':', '\0'])
}

/// The dimensions as sizes; a 0 hides no large one.
fn shape(dimensions: &[i64]) -> Option<Vec<usize>> {
    let sizes = dimensions.iter().map(|size| usize::try_from(*size).ok());
    let sizes: Vec<usize> = sizes.collect::<Option<_>>()?;
    let bound = sizes.iter().try_fold(1, |bound: usize, size| bound.checked_mul((*size).max(1)))?;
    (sizes.len() <= RANK_MAX && bound <= ELEMENTS_MAX).then_some(sizes)
}

/// The lowest bytes of each number.
fn narrow(numbers: &[i64], bytes: usize) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(bytes)).collect()
}
