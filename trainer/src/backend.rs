//! The choice of Burn's backend, in one place.

use burn::tensor::{Device, Tensor};

/// Where Burn's tensors live: another backend is another line here and another feature in the
/// manifest.
///
/// burn-ndarray is deprecated in favour of burn-flex upstream; this product asks for it by name.
#[allow(deprecated)]
pub fn device() -> Device {
    Device::ndarray()
}

/// Has Burn free what it keeps for automatic differentiation of values that are gone. It does so
/// only in a backward pass of its own, which training with our gradients never takes: each step
/// would leave some kilobytes.
pub fn free_unused_graphs() {
    Tensor::<1>::ones([1], &device().autodiff()).require_grad().sum().backward();
}
