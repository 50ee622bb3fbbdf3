//! Whole numbers that are the same for every input: what exporters compute of the shape of a map,
//! as in `x.view(x.size(0), -1)`.

use super::network::{Attribute, Node};
use super::shapes::Known;

/// Values at most: shapes have a few.
const VALUES_MAX: usize = 64;

/// The numbers of int32 and int64 in the schema.
const INTEGER_TYPES: [i64; 2] = [6, 7];

/// Whole numbers, a single one or a list.
pub(super) struct Integers {
    pub shape: Vec<usize>,
    pub values: Vec<i64>,
}

impl Integers {
    fn list(values: Vec<i64>) -> Self {
        Self { shape: vec![values.len()], values }
    }
}

/// What a node makes, where it can be told; `None` of maps.
pub(super) fn of(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let made = match node.operator {
        "Shape" => shape(node, known.shapes.get(node.inputs.first()?)?),
        "Constant" => constant(node),
        "Identity" => input(node, known, 0),
        "Cast" if INTEGER_TYPES.contains(&node.int("to")?) => input(node, known, 0),
        "ConstantOfShape" => filled(node, known),
        "Reshape" => reshape(node, known),
        "Transpose" => transpose(node, input(node, known, 0)?),
        "Squeeze" | "Unsqueeze" => turned(node, input(node, known, 0)?),
        "Concat" => concat(node, known),
        "Gather" => gather(node, known),
        "Slice" => slice(node, known),
        "Add" | "Sub" | "Mul" | "Div" | "Mod" => arithmetic(node, known),
        _ => None,
    };
    made.filter(|made| made.values.len() <= VALUES_MAX)
}

fn input(node: &Node<'_>, known: &Known<'_>, number: usize) -> Option<Integers> {
    let name = node.inputs.get(number)?;
    let (shape, values) = (known.shapes.get(name)?.clone(), known.integers.get(name)?.clone());
    Some(Integers { shape, values })
}

/// The sizes from `start` to before `end`, counted from the end where they are negative.
fn shape(node: &Node<'_>, sizes: &[usize]) -> Option<Integers> {
    let place = |at: i64| {
        let at = if at < 0 { at.saturating_add(sizes.len() as i64) } else { at };
        at.clamp(0, sizes.len() as i64) as usize
    };
    let start = place(node.int("start").unwrap_or(0));
    let end = place(node.int("end").unwrap_or(i64::MAX));
    Some(Integers::list(sizes.get(start..end)?.iter().map(|size| *size as i64).collect()))
}

fn constant(node: &Node<'_>) -> Option<Integers> {
    match node.attribute("value_int") {
        Some(Attribute::Int(value)) => Some(Integers { shape: vec![], values: vec![*value] }),
        _ => Some(Integers::list(node.ints("value_ints")?.to_vec())),
    }
}

/// A single number as a list of one, or the other way round.
fn turned(node: &Node<'_>, input: Integers) -> Option<Integers> {
    let is_single = input.values.len() == 1;
    let shape = match (node.operator, input.shape.len()) {
        ("Unsqueeze", 0) => vec![1],
        ("Squeeze", 1) => vec![],
        _ => return None,
    };
    is_single.then_some(Integers { shape, values: input.values })
}

fn concat(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let part = |number| Some(input(node, known, number)?.values);
    let parts: Vec<_> = (0..node.inputs.len()).map(part).collect::<Option<_>>()?;
    Some(Integers::list(parts.concat()))
}

/// The numbers at some places of a list.
fn gather(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let (list, places) = (input(node, known, 0)?, input(node, known, 1)?);
    if list.shape.len() != 1 {
        return None;
    }
    let value = |place: &i64| {
        let at = if *place < 0 { place.checked_add(list.values.len() as i64)? } else { *place };
        list.values.get(usize::try_from(at).ok()?).copied()
    };
    let values = places.values.iter().map(value).collect::<Option<_>>()?;
    Some(Integers { shape: places.shape, values })
}

/// One value as often as a shape says.
fn filled(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let value = match node.attribute("value") {
        Some(Attribute::Tensor(tensor)) => *tensor.integers()?.first()?,
        _ => return None,
    };
    match input(node, known, 0)?.values[..] {
        [count] => {
            let count = usize::try_from(count).ok().filter(|count| *count <= VALUES_MAX)?;
            Some(Integers::list(vec![value; count]))
        }
        _ => None,
    }
}

/// The same numbers in other dimensions, of which -1 is what is left.
fn reshape(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let (input, wanted) = (input(node, known, 0)?, input(node, known, 1)?.values);
    let given = wanted.iter().filter(|size| **size != -1).map(|size| usize::try_from(*size).ok());
    let given = given.collect::<Option<Vec<_>>>()?;
    let product = given.iter().try_fold(1, |product: usize, size| product.checked_mul(*size))?;
    let rest = input.values.len().checked_div(product)?;
    let size = |size: &i64| usize::try_from(*size).unwrap_or(rest);
    let shape: Vec<usize> = wanted.iter().map(size).collect();
    let elements = shape.iter().try_fold(1, |elements: usize, size| elements.checked_mul(*size))?;
    (elements == input.values.len()).then_some(Integers { shape, values: input.values })
}

/// A matrix turned over.
fn transpose(node: &Node<'_>, input: Integers) -> Option<Integers> {
    let &[rows, columns] = &input.shape[..] else { return None };
    if !matches!(node.ints("perm"), None | Some([1, 0])) {
        return None;
    }
    let value = |at: usize| input.values[at % rows * columns + at / rows];
    Some(Integers { shape: vec![columns, rows], values: (0..rows * columns).map(value).collect() })
}

/// Some rows, from the first to the last or the other way round.
fn slice(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let list = input(node, known, 0)?;
    let option = |number: usize, attribute: &str| {
        let listed = node.ints(attribute).and_then(|values| values.first().copied());
        listed.or_else(|| input(node, known, number)?.values.first().copied())
    };
    let (start, end) = (option(1, "starts")?, option(2, "ends")?);
    let (axis, step) = (option(3, "axes").unwrap_or(0), option(4, "steps").unwrap_or(1));
    let rows = *list.shape.first()? as i64;
    if axis != 0 || step.abs() != 1 {
        return None;
    }
    let place = |at: i64| if at < 0 { at.saturating_add(rows) } else { at };
    let chosen: Vec<i64> = match step {
        1 => (place(start).clamp(0, rows)..place(end).clamp(0, rows)).collect(),
        _ => (place(end).clamp(-1, rows) + 1..=place(start).clamp(-1, rows - 1)).rev().collect(),
    };
    let each = list.values.len().checked_div(rows as usize)?;
    let row = |row: &i64| list.values.get(*row as usize * each..(*row as usize + 1) * each);
    let values = chosen.iter().map(row).collect::<Option<Vec<_>>>()?.concat();
    let shape = std::iter::once(chosen.len()).chain(list.shape[1..].iter().copied()).collect();
    Some(Integers { shape, values })
}

/// Two lists number by number, or a list and a single number.
fn arithmetic(node: &Node<'_>, known: &Known<'_>) -> Option<Integers> {
    let [a, b] = [input(node, known, 0)?, input(node, known, 1)?];
    let length = a.values.len().max(b.values.len());
    let fits = |side: &Integers| [1, length].contains(&side.values.len());
    if !fits(&a) || !fits(&b) {
        return None;
    }
    let compute = |(a, b): (&i64, &i64)| match node.operator {
        "Add" => a.checked_add(*b),
        "Sub" => a.checked_sub(*b),
        "Mul" => a.checked_mul(*b),
        // The rest has the sign of the divisor.
        "Mod" => a.checked_rem(*b).map(|rest| {
            let is_other = rest != 0 && (rest < 0) != (*b < 0);
            if is_other { rest + b } else { rest }
        }),
        _ => a.checked_div(*b),
    };
    let pairs = a.values.iter().cycle().zip(b.values.iter().cycle()).take(length);
    let values = pairs.map(compute).collect::<Option<_>>()?;
    let shape = if a.shape.len() >= b.shape.len() { a.shape } else { b.shape };
    Some(Integers { shape, values })
}
