//! Weight decay: a pull of every weight towards zero, as a term of its gradient.

use super::parameters::{StageGradient, StageParameters};

/// Adds `decay * weight` to the gradient of every weight: that of `decay / 2 * sum of squares` in
/// the loss. Biases, betas and gammas are left alone.
pub fn add(gradients: &mut [StageGradient], parameters: &[StageParameters], decay: f64) {
    if decay == 0.0 {
        return;
    }
    for (gradient, stage) in gradients.iter_mut().zip(parameters) {
        for (gradient, weight) in gradient.rows.iter_mut().zip(&stage.rows) {
            *gradient += decay as f32 * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_pulled_and_nothing_else() {
        let mut gradients =
            [StageGradient { rows: vec![1.0, 2.0], bias: vec![3.0], gamma: Some(vec![4.0]) }];
        let parameters =
            [StageParameters { rows: vec![10.0, -20.0], bias: vec![30.0], norm: None }];
        add(&mut gradients, &parameters, 0.5);
        assert_eq!(gradients[0].rows, [6.0, -8.0]);
        assert_eq!((gradients[0].bias[0], gradients[0].gamma.as_ref().unwrap()[0]), (3.0, 4.0));
    }
}
