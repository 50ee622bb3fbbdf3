use super::super::parameters::StageParameters;
use super::super::random::{Purpose, Random};
use super::*;
use crate::recipe::Optimizer as Recipe;

fn named(toml: &str) -> Recipe {
    toml::from_str(toml).unwrap()
}

/// Every optimiser, with constants that tell its terms apart.
fn recipes() -> Vec<Recipe> {
    let text = [
        "type = \"sgd\"\nlearning_rate = 0.1",
        "type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9",
        "type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.8\nnesterov = true",
        "type = \"rmsprop\"\nrho = 0.8\nepsilon = 1e-4",
        "type = \"rmsprop\"\nrho = 0.8\nepsilon = 1e-4\nepsilon_in_root = false",
        "type = \"adam\"\nbeta_1 = 0.8\nbeta_2 = 0.95\nepsilon = 1e-4",
        "type = \"adamw\"\nbeta_1 = 0.8\nbeta_2 = 0.95\nepsilon = 1e-4\nweight_decay = 2",
        "type = \"adagrad\"\nlearning_rate = 0.01\ninitial_accumulator = 0.2\nepsilon = 1e-3",
    ];
    text.map(named).into()
}

/// One parameter under a rule, in `f64`, by the formulas of `recipe::Optimizer`.
#[derive(Default)]
struct Reference {
    steps: i32,
    first: f64,
    second: Option<f64>,
}

impl Reference {
    fn step(&mut self, recipe: &Recipe, rate: f64, w: f64, g: f64) -> f64 {
        self.steps += 1;
        let before = self.second.unwrap_or(0.0);
        match *recipe {
            Recipe::Sgd { momentum, nesterov, .. } => {
                self.first = momentum * self.first + g;
                w - rate * if nesterov { g + momentum * self.first } else { self.first }
            }
            Recipe::Rmsprop { rho, epsilon, epsilon_in_root, .. } => {
                let square = *self.second.insert(rho * before + (1.0 - rho) * g * g);
                let divisor = match epsilon_in_root {
                    true => (square + epsilon).sqrt(),
                    false => square.sqrt() + epsilon,
                };
                w - rate * g / divisor
            }
            Recipe::Adagrad { initial_accumulator, epsilon, .. } => {
                let before = self.second.unwrap_or(initial_accumulator);
                let square = *self.second.insert(before + g * g);
                w - rate * g / (square + epsilon).sqrt()
            }
            Recipe::Adam { beta_1, beta_2, epsilon, .. } => {
                self.adam([beta_1, beta_2, epsilon, 0.0], rate, w, g)
            }
            Recipe::Adamw { beta_1, beta_2, epsilon, weight_decay, .. } => {
                self.adam([beta_1, beta_2, epsilon, weight_decay], rate, w, g)
            }
        }
    }

    fn adam(&mut self, constants: [f64; 4], rate: f64, w: f64, g: f64) -> f64 {
        let [beta_1, beta_2, epsilon, weight_decay] = constants;
        self.first = beta_1 * self.first + (1.0 - beta_1) * g;
        let before = self.second.unwrap_or(0.0);
        let square = *self.second.insert(beta_2 * before + (1.0 - beta_2) * g * g);
        let alpha = rate * (1.0 - beta_2.powi(self.steps)).sqrt() / (1.0 - beta_1.powi(self.steps));
        w * (1.0 - rate * weight_decay) - alpha * self.first / (square.sqrt() + epsilon)
    }
}

/// A module of one stage with two outputs of two weights each: weights, then biases.
fn net(values: &[f32; 6]) -> Net {
    let (rows, bias) = (values[..4].to_vec(), values[4..].to_vec());
    Net::of_parameters(&[StageParameters { rows, bias, norm: None }], &backend::device().autodiff())
}

/// The module's numbers in that order.
fn numbers(net: &Net) -> [f32; 6] {
    let values =
        [crate::net::values(net.weights[0].val()), crate::net::values(net.biases[0].val())];
    values.concat().try_into().unwrap()
}

fn step(optimizer: &mut Optimizer, net: Net, gradient: &[f32; 6], factor: f64) -> Net {
    let (rows, bias) = (gradient[..4].to_vec(), gradient[4..].to_vec());
    optimizer.step(net, [StageGradient { rows, bias, gamma: None }].iter(), factor)
}

#[test]
fn every_step_is_that_of_the_formula() {
    for recipe in recipes() {
        let mut random = Random::new(1, Purpose::Weights);
        let mut optimizer = Optimizer::new(&recipe);
        let begin = std::array::from_fn(|_| random.unit() - 0.5);
        let (mut net, mut expected) = (net(&begin), begin.map(f64::from));
        let mut references: [Reference; 6] = Default::default();
        for number in 0..30 {
            // From gradients of about 1 to such as epsilon is not small beside.
            let size = [1.0, 0.1, 0.003][number % 3];
            let gradient: [f32; 6] = std::array::from_fn(|_| (random.unit() - 0.4) * size);
            let factor = 1.0 - number as f64 / 40.0;
            let rate = recipe.learning_rate() * factor;
            let before = numbers(&net);
            net = step(&mut optimizer, net, &gradient, factor);
            for (index, found) in numbers(&net).into_iter().enumerate() {
                let w = expected[index];
                expected[index] = references[index].step(&recipe, rate, w, gradient[index] as f64);
                let error = (found as f64 - expected[index]).abs();
                assert!(error < 2e-6, "{recipe:?} step {number}: {found} {}", expected[index]);
            }
            assert_ne!(numbers(&net), before, "{recipe:?}");
        }
    }
}

/// Three steps of Keras 3.15.1 from `[1, -2, 0.5]` with its own constants:
/// `optimizer.apply([gradient], [variable])`.
#[test]
fn three_steps_are_those_of_keras() {
    const GRADIENTS: [[f32; 3]; 3] =
        [[0.5, -0.25, 0.001], [-0.125, -0.5, 0.002], [0.25, 1.0, -0.001]];
    const KERAS: [(&str, [f32; 3]); 7] = [
        ("type = \"sgd\"", [0.993_750_04, -2.002_5, 0.499_98]),
        ("type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9", [0.863_25, -1.937_25, 0.499_449]),
        (
            "type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9\nnesterov = true",
            [0.814_425, -1.968_525, 0.499_304_1],
        ),
        ("type = \"rmsprop\"", [0.996_147, -1.996_780_5, 0.496_409_18]),
        ("type = \"adam\"", [0.997_925_1, -1.998_228_8, 0.497_619_8]),
        ("type = \"adamw\"", [0.997_913_1, -1.998_204_8, 0.497_613_82]),
        ("type = \"adagrad\"", [0.998_979_5, -1.999_442_7, 0.499_993_68]),
    ];
    for (toml, expected) in KERAS {
        let mut optimizer = Optimizer::new(&named(toml));
        let mut net = net(&[1.0, -2.0, 0.5, 0.0, 0.0, 0.0]);
        for [a, b, c] in GRADIENTS {
            net = step(&mut optimizer, net, &[a, b, c, 0.0, 0.0, 0.0], 1.0);
        }
        for (found, expected) in numbers(&net).into_iter().zip(expected) {
            assert!((found - expected).abs() < 3e-7, "{toml}: {found} {expected}");
        }
    }
}
