//! A float model's parameters as a Burn record: what `train` leaves beside the quantised model, so that it can be quantised again
//! without training, or taken further with Burn.

use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use thiserror::Error;

use crate::backend;
use crate::float_model::{FloatModel, StageWeights};
use crate::net::Net;
use crate::network::{Network, NetworkError, Stage};

/// Why a record is not one of the network's.
#[derive(Debug, Error)]
pub enum FloatRecordError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The bytes are no record, or not one of this network.
    #[error("not the parameters of this network ({0}): name the preset it was trained with")]
    Record(String),
    /// A parameter has another shape than the network's.
    #[error(
        "stage '{stage}' has {found} weights in the record and {expected} in the network: name the preset it was trained with"
    )]
    Shape {
        /// The stage's name.
        stage: String,
        /// In the record.
        found: usize,
        /// In the network.
        expected: usize,
    },
}

/// The model's parameters as a burnpack file.
///
/// # Errors
/// What Burn's writer says.
pub fn to_bytes(model: &FloatModel) -> Result<Vec<u8>, RecordError> {
    Ok(Net::new(model, &backend::device()).into_record().into_bytes()?.to_vec())
}

/// The model of `network` whose parameters a burnpack file holds.
///
/// # Errors
/// A file that is no record, or one of another network.
pub fn from_bytes(network: &Network, bytes: Vec<u8>) -> Result<FloatModel, FloatRecordError> {
    let stages = network.stages()?;
    let empty = |stage: &Stage| StageWeights {
        weights: vec![0.0; stage.weight_count()],
        bias: vec![0.0; stage.bias_count()],
    };
    let blank = FloatModel { network: network.clone(), stages: stages.iter().map(empty).collect() };
    let refused = |error: RecordError| FloatRecordError::Record(error.to_string());
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(refused)?;
    let net = Net::new(&blank, &backend::device()).try_load_record(record).map_err(refused)?;
    let model = FloatModel { network: network.clone(), stages: net.stage_weights(&stages) };
    match stages
        .iter()
        .zip(&model.stages)
        .find(|(stage, loaded)| loaded.weights.len() != stage.weight_count())
    {
        Some((stage, loaded)) => Err(FloatRecordError::Shape {
            stage: stage.name().to_owned(),
            found: loaded.weights.len(),
            expected: stage.weight_count(),
        }),
        None => Ok(model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::train::initial;

    #[test]
    fn a_record_gives_the_model_back_bit_by_bit() {
        let network = Preset::load("tutorial").unwrap().network;
        let model = initial(&network, 3).unwrap();
        let bytes = to_bytes(&model).unwrap();
        assert_eq!(from_bytes(&network, bytes).unwrap(), model);
    }

    #[test]
    fn the_record_of_another_network_is_refused() {
        let network = Preset::load("tutorial").unwrap().network;
        let mut other = network.clone();
        other.input.height = 32;
        let bytes = to_bytes(&initial(&other, 3).unwrap()).unwrap();
        let error = from_bytes(&network, bytes).unwrap_err().to_string();
        assert!(error.contains("name the preset it was trained with"), "{error}");
    }

    #[test]
    fn damaged_records_are_refused() {
        let network = Preset::load("tutorial").unwrap().network;
        let bytes = to_bytes(&initial(&network, 3).unwrap()).unwrap();
        for length in [0, 10, 100, bytes.len() / 2] {
            assert!(from_bytes(&network, bytes[..length].to_vec()).is_err(), "{length} bytes");
        }
        assert!(from_bytes(&network, vec![0x42; 5000]).is_err());
    }
}
