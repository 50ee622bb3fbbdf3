//! Steps divided by a root of squared gradients, with epsilon below the root: Adagrad, whose sum
//! grows, and RMSprop as Keras 3 has it, whose average forgets.

use burn::optim::{LearningRate, Optimizer, SquareAvgState};
use burn::tensor::{Device, Tensor};

/// The rule: `s = kept * s + taken * g^2; w -= rate * g / sqrt(s + epsilon)`.
#[derive(Clone)]
pub struct Root {
    /// Part of the old `s` that stays.
    pub kept: f64,
    /// Part of the square that comes in.
    pub taken: f64,
    /// What `s` begins with.
    pub initial: f64,
    /// Keeps the divisor above 0.
    pub epsilon: f64,
}

impl Optimizer for Root {
    type State<const D: usize> = SquareAvgState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let before = match state {
            Some(state) => state.square_avg,
            None => gradient.full_like(self.initial),
        };
        let taken = gradient.clone().square().mul_scalar(self.taken);
        let square = before.mul_scalar(self.kept) + taken;
        let divisor = square.clone().add_scalar(self.epsilon).sqrt();
        (parameter - gradient.mul_scalar(rate) / divisor, Some(SquareAvgState::new(square)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}
