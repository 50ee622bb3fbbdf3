//! The optimisers, with the constants that Keras 3 has where they are left out.

use serde::{Deserialize, Serialize};

/// The optimiser's step: `g` is a parameter's gradient, `w` the parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// `s = rho s + (1 - rho) g^2; w -= learning_rate * g / sqrt(s + epsilon)`.
    Rmsprop {
        /// Step size.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the squared gradient's average.
        #[serde(default = "nine_tenths")]
        rho: f64,
        /// Keeps the divisor above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Whether epsilon is added below the root, as in Keras 3, or to the root, as in Keras 2
        /// and PyTorch. Small gradients make smaller steps with it below the root.
        #[serde(default = "yes")]
        epsilon_in_root: bool,
    },
    /// Stochastic gradient descent with momentum: `v = momentum v + g; w -= learning_rate * v`.
    /// With Nesterov's: `w -= learning_rate * (g + momentum v)`.
    Sgd {
        /// Peak step size.
        #[serde(default = "hundredth")]
        learning_rate: f64,
        /// Momentum.
        #[serde(default)]
        momentum: f64,
        /// Whether the momentum looks ahead (Nesterov).
        #[serde(default)]
        nesterov: bool,
    },
    /// `m += (1 - beta_1) (g - m); s += (1 - beta_2) (g^2 - s); w -= a * m / (sqrt(s) + epsilon)`
    /// with `a = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)` in step `t`, from 1.
    Adam {
        /// Step size.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the gradient's average.
        #[serde(default = "nine_tenths")]
        beta_1: f64,
        /// Decay of the squared gradient's average.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the root.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// First `w -= learning_rate * weight_decay * w`, for every parameter, biases too; then as
    /// [`Optimizer::Adam`].
    Adamw {
        /// Step size.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the gradient's average.
        #[serde(default = "nine_tenths")]
        beta_1: f64,
        /// Decay of the squared gradient's average.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the root.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Pull of every parameter towards 0 per unit of learning rate.
        #[serde(default = "weight_decay")]
        weight_decay: f64,
    },
    /// `s += g^2; w -= learning_rate * g / sqrt(s + epsilon)`.
    Adagrad {
        /// Step size.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// What the sum of squared gradients begins with.
        #[serde(default = "initial_accumulator")]
        initial_accumulator: f64,
        /// Added below the root.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

use Optimizer::{Adagrad, Adam, Adamw, Rmsprop, Sgd};

impl Optimizer {
    /// The (peak) step size.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Rmsprop { learning_rate, .. }
            | Sgd { learning_rate, .. }
            | Adam { learning_rate, .. }
            | Adamw { learning_rate, .. }
            | Adagrad { learning_rate, .. } => *learning_rate,
        }
    }

    /// The same optimiser with another (peak) step size.
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        match &mut self {
            Rmsprop { learning_rate, .. }
            | Sgd { learning_rate, .. }
            | Adam { learning_rate, .. }
            | Adamw { learning_rate, .. }
            | Adagrad { learning_rate, .. } => *learning_rate = rate,
        }
        self
    }
}

const fn thousandth() -> f64 {
    0.001
}

const fn hundredth() -> f64 {
    0.01
}

const fn nine_tenths() -> f64 {
    0.9
}

const fn beta_2() -> f64 {
    0.999
}

const fn epsilon() -> f64 {
    1e-7
}

const fn weight_decay() -> f64 {
    0.004
}

const fn initial_accumulator() -> f64 {
    0.1
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Keras 3.15.1 says of its optimisers: `keras.optimizers.Adam().get_config()` and so on.
    #[test]
    fn what_is_left_out_is_as_in_keras() {
        let of = |text: &str| toml::from_str::<Optimizer>(&format!("type = \"{text}\"")).unwrap();
        let (learning_rate, beta_1, beta_2, epsilon) = (0.001, 0.9, 0.999, 1e-7);
        let rmsprop = Rmsprop { learning_rate, rho: 0.9, epsilon, epsilon_in_root: true };
        assert_eq!(of("rmsprop"), rmsprop);
        assert_eq!(of("sgd"), Sgd { learning_rate: 0.01, momentum: 0.0, nesterov: false });
        assert_eq!(of("adam"), Adam { learning_rate, beta_1, beta_2, epsilon });
        let adamw = Adamw { learning_rate, beta_1, beta_2, epsilon, weight_decay: 0.004 };
        assert_eq!(of("adamw"), adamw);
        assert_eq!(of("adagrad"), Adagrad { learning_rate, initial_accumulator: 0.1, epsilon });
    }

    #[test]
    fn every_optimiser_takes_another_learning_rate() {
        for name in ["rmsprop", "sgd", "adam", "adamw", "adagrad"] {
            let optimizer: Optimizer = toml::from_str(&format!("type = \"{name}\"")).unwrap();
            assert_eq!(optimizer.with_learning_rate(0.5).learning_rate(), 0.5, "{name}");
        }
    }
}
