//! A GELU as exporters spell it out, as one operator:
//!
//! ```text
//! x * 0.5 * (1 + erf(x / sqrt(2)))          factors in any order
//! ```
//!
//! Other names of a value are passed through: they are what quantisation leaves of its operators.

use std::collections::HashMap;

use super::Array;
use crate::import::onnx::Node;

/// Largest difference of a constant to the number that it stands for.
const NEAR: f32 = 1e-4;

/// The nodes, with `Gelu` in place of the last node of each. What only that has read is left, and
/// not needed any more.
pub(super) fn joined<'a>(
    nodes: Vec<Node<'a>>,
    constants: &HashMap<&'a str, Array>,
) -> Vec<Node<'a>> {
    let of = Nodes::of(&nodes, constants);
    let gelu = |node: &Node<'a>| {
        let x = of.argument(node)?;
        let (operator, inputs, attributes) = ("Gelu", vec![x], vec![]);
        Some(Node { operator, inputs, attributes, domain: "", ..node.clone() })
    };
    nodes.iter().map(|node| gelu(node).unwrap_or_else(|| node.clone())).collect()
}

/// The nodes by what they make.
struct Nodes<'n, 'a> {
    makers: HashMap<&'a str, &'n Node<'a>>,
    constants: &'n HashMap<&'a str, Array>,
}

impl<'n, 'a> Nodes<'n, 'a> {
    fn of(nodes: &'n [Node<'a>], constants: &'n HashMap<&'a str, Array>) -> Self {
        let made = nodes.iter().filter_map(|node| Some((*node.outputs.first()?, node)));
        Self { makers: made.collect(), constants }
    }

    /// What a product is the GELU of: it has three factors, `x`, `0.5` and `1 + erf(x / sqrt(2))`.
    fn argument(&self, node: &'n Node<'a>) -> Option<&'a str> {
        let [a, b] = self.product(node)?;
        let split = |one: &'a str, other: &'a str| -> Option<[&'a str; 3]> {
            let [c, d] = self.product(self.maker(one)?)?;
            Some([c, d, other])
        };
        let factors = [split(a, b), split(b, a)];
        factors.into_iter().flatten().find_map(|factors| self.of_factors(factors))
    }

    /// The argument, if these are the factors of a GELU.
    fn of_factors(&self, factors: [&'a str; 3]) -> Option<&'a str> {
        let is_half = |name: &&&str| self.is_near(name, 0.5);
        let [bell] = self.others(&factors, |name| self.of_bell(name).is_some())[..] else {
            return None;
        };
        let x = self.of_bell(bell)?;
        let has_x = factors.iter().any(|name| self.origin(name) == self.origin(x));
        (has_x && factors.iter().any(|name| is_half(&name))).then_some(x)
    }

    fn others(&self, names: &[&'a str], is_so: impl Fn(&'a str) -> bool) -> Vec<&'a str> {
        names.iter().copied().filter(|name| is_so(name)).collect()
    }

    /// `x` of `1 + erf(x / sqrt(2))`.
    fn of_bell(&self, name: &str) -> Option<&'a str> {
        let sum = self.made_by(name, "Add")?;
        let erf = self.beside(sum, 1.0)?;
        let &[scaled] = &self.made_by(erf, "Erf")?.inputs[..] else { return None };
        match self.maker(scaled)? {
            node if node.operator == "Mul" => self.beside(node, std::f32::consts::FRAC_1_SQRT_2),
            node if node.operator == "Div" => match node.inputs[..] {
                [x, root] if self.is_near(root, std::f32::consts::SQRT_2) => Some(x),
                _ => None,
            },
            _ => None,
        }
    }

    fn made_by(&self, name: &str, operator: &str) -> Option<&'n Node<'a>> {
        self.maker(name).filter(|node| node.operator == operator)
    }

    /// What makes a value, whatever it is called.
    fn maker(&self, name: &str) -> Option<&'n Node<'a>> {
        self.makers.get(self.origin(name)).copied()
    }

    /// What a value is another name of.
    fn origin<'s>(&self, mut name: &'s str) -> &'s str
    where
        'a: 's,
    {
        // A name of a constant may stand for itself.
        while let Some(node) = self.makers.get(name).filter(|node| node.operator == "Identity")
            && let &[before] = &node.inputs[..]
            && before != name
        {
            name = before;
        }
        name
    }

    /// The two factors of a product.
    fn product(&self, node: &Node<'a>) -> Option<[&'a str; 2]> {
        (node.operator == "Mul").then_some(())?;
        node.inputs[..].try_into().ok()
    }

    /// What a node reads beside this number.
    fn beside(&self, node: &Node<'a>, number: f32) -> Option<&'a str> {
        match node.inputs[..] {
            [x, constant] if self.is_near(constant, number) => Some(x),
            [constant, x] if self.is_near(constant, number) => Some(x),
            _ => None,
        }
    }

    /// Whether a constant is this one number.
    fn is_near(&self, name: &str, number: f32) -> bool {
        let constant = self.constants.get(name).or_else(|| self.constants.get(self.origin(name)));
        let values = constant.map(|array| &array.values[..]);
        matches!(values, Some([value]) if (value - number).abs() < NEAR)
    }
}
