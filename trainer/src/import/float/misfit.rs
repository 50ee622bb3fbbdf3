//! Why operators become no layers.

use std::fmt;

use thiserror::Error;

use crate::ops::Problem;
use crate::terminal::printable;

/// Longest name that a message shows, characters.
const NAME_CHARACTERS_MAX: usize = 60;

/// Why an operator becomes no layer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Misfit {
    /// It is not known here.
    #[error("no layer does this: replace it, or export without it")]
    Operator,
    /// An option, a shape or a constant.
    #[error("{0}")]
    Because(&'static str),
    /// The layer that it would be cannot be built.
    #[error("{0}")]
    Layer(Box<Problem>),
}

impl From<&'static str> for Misfit {
    fn from(why: &'static str) -> Self {
        Self::Because(why)
    }
}

impl From<Problem> for Misfit {
    fn from(problem: Problem) -> Self {
        Self::Layer(Box::new(problem))
    }
}

/// All operators that become no layers, those with the same reason together: `Resize (node 3 'up1',
/// node 5 'up2'): ...; Conv (node 4 'c'): ...`
#[derive(Clone, Debug, Default, PartialEq, Error)]
pub struct Unsupported(Vec<Refused>);

/// An operator that becomes no layer.
#[derive(Clone, Debug, PartialEq)]
struct Refused {
    node: usize,
    operator: String,
    name: String,
    misfit: Misfit,
}

impl Unsupported {
    /// Notes the operator of a node.
    pub fn add(&mut self, node: usize, operator: &str, name: &str, misfit: Misfit) {
        let [operator, name] = [operator, name].map(shown);
        self.0.push(Refused { node, operator, name, misfit });
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A name from a file, which may be any text.
fn shown(name: &str) -> String {
    printable(name).chars().take(NAME_CHARACTERS_MAX).collect()
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<Vec<&Refused>> = vec![];
        for refused in &self.0 {
            let is_same = |group: &&mut Vec<&Refused>| {
                (&group[0].operator, &group[0].misfit) == (&refused.operator, &refused.misfit)
            };
            match groups.iter_mut().find(is_same) {
                Some(group) => group.push(refused),
                None => groups.push(vec![refused]),
            }
        }
        for (place, group) in groups.iter().enumerate() {
            let gap = if place > 0 { "; " } else { "" };
            let nodes = group.iter().map(|Refused { node, name, .. }| match name.is_empty() {
                true => format!("node {node}"),
                false => format!("node {node} '{name}'"),
            });
            let nodes = nodes.collect::<Vec<_>>().join(", ");
            write!(f, "{gap}{} ({nodes}): {}", group[0].operator, group[0].misfit)?;
        }
        Ok(())
    }
}
