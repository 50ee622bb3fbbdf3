//! A float model as a Burn record: what `train` leaves beside the quantised model, so that it can
//! be quantised again without training, or taken further with Burn.
//!
//! The file is a burnpack of the module [`Net`] with the network's description beside the tensors,
//! as the TOML of a preset file, and a checksum of both. Burn reads such a file as any other; what
//! Burn writes has neither description nor checksum, and nothing tells a change of its numbers.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Tensor, Writer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::backend;
use crate::data::record::DataRecord;
use crate::float_model::{FloatModel, StageWeights};
use crate::graph::Stage;
use crate::net::Net;
use crate::network::{Network, NetworkError};
use crate::quantize::Kept;

/// Where a burnpack's metadata hold the network.
const NETWORK_KEY: &str = "kindling.network";

/// Where a burnpack's metadata hold what the network was trained on.
const DATA_KEY: &str = "kindling.data";

/// Where a burnpack's metadata hold the scales that the network came with.
const KEPT_KEY: &str = "kindling.scales";

/// Where a burnpack's metadata hold the CRC-32 of all that is read of it, in hexadecimal.
const CHECKSUM_KEY: &str = "kindling.crc32";

/// The scales that a network came with, as TOML.
#[derive(Serialize, Deserialize)]
struct Scales {
    stage: Vec<Kept>,
}

/// Why a record gives no model.
#[derive(Debug, Error)]
pub enum FloatRecordError {
    /// Something else.
    #[error(
        "not a record of float parameters, or damaged ({0}): `train` leaves one as float.burnpack"
    )]
    NotARecord(String),
    /// Other numbers than were written.
    #[error("the record is damaged (its checksum is wrong): copy the file again, or train again")]
    Damaged,
    /// Only parameters.
    #[error(
        "the record does not say of which network it is, as older versions and Burn itself write \
            them: name the preset with --preset"
    )]
    NoNetwork,
    /// A description that cannot be read.
    #[error("the record's network cannot be read: {0}")]
    Description(toml::de::Error),
    /// A network that cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Numbers of another type.
    #[error(
        "the parameters '{name}' are {found}, not floating point: cast the module in Burn before \
            taking the record"
    )]
    NotFloat {
        /// The tensor's name.
        name: String,
        /// Its type.
        found: String,
    },
    /// The parameters of another network.
    #[error(
        "the parameters are not those of the network ({0}): leave --preset out, or name the preset \
            it was trained with"
    )]
    OtherNetwork(String),
}

impl From<toml::de::Error> for FloatRecordError {
    fn from(cause: toml::de::Error) -> Self {
        Self::Description(cause)
    }
}

/// The model as a burnpack file, with what it was trained on; equal ones are equal bytes.
///
/// # Errors
/// What Burn's writer says.
pub fn to_bytes(model: &FloatModel, data: Option<&DataRecord>) -> Result<Vec<u8>, RecordError> {
    to_bytes_keeping(model, &[], data)
}

/// [`to_bytes`] with the scales that the network came with, stage by stage.
///
/// # Errors
/// As [`to_bytes`].
pub fn to_bytes_keeping(
    model: &FloatModel,
    kept: &[Kept],
    data: Option<&DataRecord>,
) -> Result<Vec<u8>, RecordError> {
    let network = toml::to_string(&model.network).expect("a network comes from TOML");
    let parameters = Net::new(model, &backend::device()).into_record().into_bytes()?;
    let tensors = Reader::from_bytes(parameters)?.into_tensors()?;
    let mut metadata = BTreeMap::from([(NETWORK_KEY.to_owned(), network)]);
    if let Some(data) = data {
        metadata.insert(DATA_KEY.to_owned(), data.to_toml());
    }
    if kept.iter().any(|kept| *kept != Kept::default()) {
        let scales = Scales { stage: kept.to_vec() };
        let scales = toml::to_string(&scales).expect("numbers, as TOML has them");
        metadata.insert(KEPT_KEY.to_owned(), scales);
    }
    metadata.insert(CHECKSUM_KEY.to_owned(), checksum(&metadata, &tensors)?);
    let writer = metadata
        .iter()
        .fold(Writer::new(tensors), |writer, (key, value)| writer.with_metadata(key, value));
    Ok(writer.into_bytes()?.to_vec())
}

/// CRC-32 of the metadata apart from itself, and of all tensors by their names. Padding is not in
/// it, nor is what Burn's optimisers know a tensor by: nothing here reads them.
fn checksum(
    metadata: &BTreeMap<String, String>,
    tensors: &[Tensor],
) -> Result<String, burn_pack::Error> {
    let mut crc = crc32fast::Hasher::new();
    for (key, value) in metadata.iter().filter(|(key, _)| *key != CHECKSUM_KEY) {
        crc.update(format!("{key:?}{value:?}").as_bytes());
    }
    let by_name: BTreeMap<&str, &Tensor> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for (name, tensor) in by_name {
        crc.update(format!("{name:?}{:?}{:?}", tensor.dtype, tensor.shape).as_bytes());
        crc.update(&tensor.to_bytes()?);
    }
    Ok(format!("{:08x}", crc.finalize()))
}

/// What the model in a burnpack file was trained on; `None` where the file does not say it.
pub fn data_of(bytes: Vec<u8>) -> Option<DataRecord> {
    let (metadata, _) = read(Bytes::from_bytes_vec(bytes)).ok()?;
    DataRecord::from_toml(metadata.get(DATA_KEY)?).ok()
}

/// The scales that the network in a burnpack file came with, stage by stage; none of networks that
/// were trained here.
pub fn kept_of(bytes: Vec<u8>) -> Vec<Kept> {
    let scales = read(Bytes::from_bytes_vec(bytes))
        .ok()
        .and_then(|(metadata, _)| toml::from_str::<Scales>(metadata.get(KEPT_KEY)?).ok());
    scales.map_or(vec![], |scales| scales.stage)
}

/// The model in a burnpack file: of the network it carries, or of `network` where that is given.
///
/// # Errors
/// A file that is no record, or one of another network.
pub fn from_bytes(
    bytes: Vec<u8>,
    network: Option<Network>,
) -> Result<FloatModel, FloatRecordError> {
    let bytes = Bytes::from_bytes_vec(bytes);
    // The file is looked at first: if it is no record at all, a preset does not help.
    let (metadata, tensors) = read(bytes.clone())?;
    let network = match network {
        Some(network) => network,
        None => carried_network(&metadata)?,
    };
    check_types(&tensors)?;
    let record = ModuleRecord::from_bytes(bytes).map_err(no_record)?;
    with_parameters(network, record.cast_to_module_dtype())
}

/// What is in a burnpack file, whose checksum is right where it has one.
fn read(bytes: Bytes) -> Result<(BTreeMap<String, String>, Vec<Tensor>), FloatRecordError> {
    let reader = Reader::from_bytes(bytes).map_err(no_record)?;
    let metadata = reader.metadata().clone();
    let tensors = reader.into_tensors().map_err(no_record)?;
    match metadata.get(CHECKSUM_KEY) {
        Some(written) if *written != checksum(&metadata, &tensors).map_err(no_record)? => {
            Err(FloatRecordError::Damaged)
        }
        _ => Ok((metadata, tensors)),
    }
}

/// Burn itself stores a module in whatever type it has; what is no floating point number is not
/// cast.
fn check_types(tensors: &[Tensor]) -> Result<(), FloatRecordError> {
    let is_float = |tensor: &&Tensor| {
        matches!(tensor.dtype, DType::F64 | DType::F32 | DType::F16 | DType::BF16)
    };
    match tensors.iter().find(|tensor| !is_float(tensor)) {
        Some(Tensor { name, dtype, .. }) => {
            Err(FloatRecordError::NotFloat { name: name.clone(), found: format!("{dtype:?}") })
        }
        None => Ok(()),
    }
}

fn carried_network(metadata: &BTreeMap<String, String>) -> Result<Network, FloatRecordError> {
    let text = metadata.get(NETWORK_KEY).ok_or(FloatRecordError::NoNetwork)?;
    Ok(toml::from_str(text)?)
}

fn with_parameters(network: Network, record: ModuleRecord) -> Result<FloatModel, FloatRecordError> {
    let stages = network.stages()?;
    let blank = FloatModel { stages: stages.iter().map(zeros).collect(), network };
    let net = Net::new(&blank, &backend::device())
        .try_load_record(record)
        .map_err(|error| FloatRecordError::OtherNetwork(error.to_string()))?;
    Ok(FloatModel { stages: net.stage_weights(&stages), ..blank })
}

fn zeros(stage: &Stage) -> StageWeights {
    StageWeights { weights: vec![0.0; stage.weight_count()], bias: vec![0.0; stage.bias_count()] }
}

fn no_record(error: impl std::fmt::Display) -> FloatRecordError {
    FloatRecordError::NotARecord(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::train::initial;

    fn network() -> Network {
        Preset::load("standard").unwrap().network
    }

    fn refusal(bytes: Vec<u8>, network: Option<Network>) -> String {
        from_bytes(bytes, network).unwrap_err().to_string()
    }

    #[test]
    fn a_record_gives_the_model_back_bit_by_bit() {
        let model = initial(&network(), 3).unwrap();
        let bytes = to_bytes(&model, None).unwrap();
        assert_eq!(to_bytes(&model, None).unwrap(), bytes);
        assert_eq!(from_bytes(bytes.clone(), None).unwrap(), model);
        assert_eq!(from_bytes(bytes, Some(network())).unwrap(), model);
    }

    #[test]
    fn every_kind_of_layer_comes_back() {
        let layers = r#"
            input = { height = 12, width = 9, channels = 2, offset = [1, -1] }
            layer = [
                { type = "conv", filters = 4, kernel = [3, 2], stride = [2, 1], padding = "same" },
                { type = "relu" },
                { type = "max_pool", size = 2, stride = 1, name = "überlappend" },
                { type = "dense", units = 3, activation = "relu" },
                { type = "softmax" },
            ]"#;
        let model = initial(&toml::from_str(layers).unwrap(), 1).unwrap();
        assert_eq!(from_bytes(to_bytes(&model, None).unwrap(), None).unwrap(), model);
    }

    #[test]
    fn a_record_written_by_burn_needs_the_preset() {
        let model = initial(&network(), 3).unwrap();
        let record = Net::new(&model, &backend::device()).into_record();
        let bytes = record.into_bytes().unwrap().to_vec();
        assert!(refusal(bytes.clone(), None).contains("name the preset with --preset"));
        assert_eq!(from_bytes(bytes, Some(network())).unwrap(), model);
    }

    /// The model's record with every tensor as `change` makes it of its bytes.
    fn record_of(model: &FloatModel, dtype: DType, change: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let bytes = Bytes::from_bytes_vec(to_bytes(model, None).unwrap());
        let changed = |tensor: Tensor| {
            let (name, _, shape, id, bytes) = tensor.into_parts().unwrap();
            Tensor::new(name, dtype, shape, id, Bytes::from_bytes_vec(change(&bytes)))
        };
        let tensors = Reader::from_bytes(bytes).unwrap().into_tensors().unwrap();
        let tensors = tensors.into_iter().map(changed).collect();
        Writer::new(tensors).into_bytes().unwrap().to_vec()
    }

    #[test]
    fn a_record_in_double_precision_gives_the_model_back() {
        let model = initial(&network(), 3).unwrap();
        let doubled = record_of(&model, DType::F64, |bytes| {
            let singles = bytes.as_chunks().0.iter().map(|single| f32::from_le_bytes(*single));
            singles.flat_map(|single| (single as f64).to_le_bytes()).collect()
        });
        assert_eq!(from_bytes(doubled, Some(network())).unwrap(), model);
    }

    #[test]
    fn a_record_of_whole_numbers_is_refused_by_the_tensor_s_name() {
        let model = initial(&network(), 3).unwrap();
        let whole = record_of(&model, DType::I32, <[u8]>::to_vec);
        let error = refusal(whole, Some(network()));
        assert!(
            error.starts_with("the parameters 'biases.0' are I32, not floating point"),
            "{error}"
        );
    }

    #[test]
    fn the_record_of_another_network_is_refused() {
        let mut other = network();
        other.input.height = 32;
        let bytes = to_bytes(&initial(&other, 3).unwrap(), None).unwrap();
        let error = refusal(bytes, Some(network()));
        assert!(
            error.contains("leave --preset out, or name the preset it was trained with"),
            "{error}"
        );
    }

    #[test]
    fn damaged_records_are_refused() {
        let bytes = to_bytes(&initial(&network(), 3).unwrap(), None).unwrap();
        for length in [0, 10, 100, bytes.len() / 2, bytes.len() - 1] {
            let error = refusal(bytes[..length].to_vec(), Some(network()));
            assert!(
                error.starts_with("not a record of float parameters, or damaged"),
                "{length}: {error}"
            );
        }
        assert!(refusal(vec![0x42; 5000], None).starts_with("not a record"));
    }

    /// Every bit of a record's file: a changed one is found, or changes nothing that is read.
    #[test]
    fn every_flipped_bit_is_found_or_does_not_matter() {
        let network = r#"
            input = { height = 2, width = 2, channels = 1 }
            layer = [{ type = "dense", units = 2 }]"#;
        let model = initial(&toml::from_str(network).unwrap(), 1).unwrap();
        let kept = [Kept { weights: vec![0.5, 0.25], ..Kept::default() }];
        let whole = to_bytes_keeping(&model, &kept, None).unwrap();
        assert_eq!(kept_of(whole.clone()), kept);
        let mut found = 0;
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match from_bytes(bytes.clone(), None) {
                Err(_) => found += 1,
                Ok(read) => {
                    assert!(read == model && kept_of(bytes) == kept, "bit {bit} changes the model");
                }
            }
        }
        // What is left: padding, the name of the checksum, and what optimisers know tensors by.
        let left = 8 * whole.len() - found;
        assert!(left <= 8 * 600, "{left} bits are not found of {}", 8 * whole.len());
    }

    #[test]
    fn a_record_with_an_unreadable_network_is_refused() {
        let with = |text: &str| {
            let bytes = to_bytes(&initial(&network(), 3).unwrap(), None).unwrap();
            let tensors =
                Reader::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap().into_tensors().unwrap();
            Writer::new(tensors).with_metadata(NETWORK_KEY, text).into_bytes().unwrap().to_vec()
        };
        assert!(
            refusal(with("layer = 3"), None).starts_with("the record's network cannot be read: ")
        );
        let empty = "layer = []\ninput = { height = 1, width = 1, channels = 1 }";
        assert!(refusal(with(empty), None).contains("no layer that computes anything"));
    }
}
