//! Adam and AdamW as Keras has them: epsilon is added to the root before the averages' beginning is
//! corrected, and the weights decay before the step.

use burn::optim::{AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

/// The rule.
#[derive(Clone)]
pub struct Adam {
    /// Decay of the gradient's average.
    pub beta_1: f64,
    /// Decay of the squared gradient's average.
    pub beta_2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Pull of every parameter towards 0 per unit of learning rate.
    pub weight_decay: f64,
}

impl Adam {
    /// The learning rate in step `time`, from 1: the averages begin with 0, which the first steps
    /// make up for. `pow` is `libm`'s, the same bits on every host.
    fn corrected(&self, rate: LearningRate, time: usize) -> f64 {
        let rest = |beta: f64| 1.0 - libm::pow(beta, time as f64);
        rate * rest(self.beta_2).sqrt() / rest(self.beta_1)
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdaptiveMomentumState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (time, mean, square) = match state {
            Some(state) => (state.time + 1, state.moment_1, state.moment_2),
            None => (1, gradient.zeros_like(), gradient.zeros_like()),
        };
        let parameter = match self.weight_decay {
            0.0 => parameter,
            decay => parameter.clone() - parameter.mul_scalar(rate * decay),
        };
        let mean = mean.clone() + (gradient.clone() - mean).mul_scalar(1.0 - self.beta_1);
        let square = square.clone() + (gradient.square() - square).mul_scalar(1.0 - self.beta_2);
        let divisor = square.clone().sqrt().add_scalar(self.epsilon);
        let step = mean.clone().mul_scalar(self.corrected(rate, time)) / divisor;
        (parameter - step, Some(AdaptiveMomentumState::new(time, mean, square)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        let AdaptiveMomentumState { time, moment_1, moment_2, .. } = state;
        let [mean, square] = [moment_1, moment_2].map(|moment| moment.to_device(device));
        AdaptiveMomentumState::new(time, mean, square)
    }
}
