//! The choice of Burn's backend, in one place.

use burn::tensor::Device;

/// Where Burn's tensors live: another backend is another line here and another feature in the manifest.
///
/// burn-ndarray is deprecated in favour of burn-flex upstream; this product asks for it by name.
#[allow(deprecated)]
pub fn device() -> Device {
    Device::ndarray()
}
