//! The report of a network in floating point that was trained elsewhere: what became of it, and
//! what quantisation costs.

use askama::Template;
use infer::Model;

use super::layers::{self, LayerView};
use super::live;
use super::memory::MemoryView;
use super::provenance::{FileHash, hash};
use super::reading::{self, MapView};
use super::value::Count;
use super::{MeasuredModel, ReportError, Results, Sizes};
use crate::live::Live;
use crate::model_file::ModelTable;

/// What was imported.
#[derive(Clone, Copy)]
pub struct Imported<'i> {
    /// The command line, as it can be typed again.
    pub command: &'i str,
    /// The network's file: its name and its bytes.
    pub file: (&'i str, &'i [u8]),
    /// For each stage the operators of the file that it is made of.
    pub made_of: &'i [String],
    /// Its model, and what both answer.
    pub measured: MeasuredModel<'i>,
}

/// An import as a page shows it.
#[derive(Template)]
#[template(path = "report/import.html")]
pub struct ImportReport {
    /// The name of the network's file.
    pub file: String,
    /// Images to calibrate on, and to measure with.
    pub images: [Count; 2],
    /// Whether those are the same.
    pub is_measured_on_the_same: bool,
    /// The figures at the top.
    pub sizes: Sizes,
    /// The model at work; none where it is too large for a page.
    pub live: Option<Live>,
    /// How the models answer.
    pub results: Results,
    /// For each stage the operators of the file that it is made of.
    pub made_of: Vec<String>,
    /// Quantisation, layer by layer.
    pub layers: Vec<LayerView>,
    /// Images that the layers' figures come from.
    pub layer_images: Count,
    /// Which buffer lives when.
    pub memory: MemoryView,
    /// Which part of each map is read.
    pub reading: Vec<MapView>,
    /// The command line, as it can be typed again.
    pub command: String,
    /// The network's file and the model.
    pub files: Vec<FileHash>,
}

impl ImportReport {
    /// Looks at an import from all sides. The layers are those of the table on the terminal.
    ///
    /// # Errors
    /// A model file that is refused, a network that cannot be planned.
    pub fn of(imported: &Imported<'_>, layers: Vec<LayerView>) -> Result<Self, ReportError> {
        let Imported { command, file: (name, bytes), made_of, measured } = *imported;
        let MeasuredModel { float, exported, data, .. } = measured;
        let mut table = ModelTable::new();
        let model = Model::from_bytes(&exported.bytes, &mut table).map_err(ReportError::Model)?;
        Ok(Self {
            file: name.to_owned(),
            images: [data.train.len(), data.test.len()].map(Count),
            is_measured_on_the_same: data.tests_on_training(),
            sizes: exported.into(),
            live: live::of(&measured, &model),
            results: Results::of(&measured, &model),
            made_of: made_of.to_vec(),
            layers,
            layer_images: Count(layers::chosen(data.test.len()).len()),
            memory: MemoryView::of(&model),
            reading: reading::views(&float.network, &data.test)?,
            command: command.to_owned(),
            files: vec![
                hash(name.to_owned(), bytes),
                hash("model.kndl".to_owned(), &exported.bytes),
            ],
        })
    }

    /// The operators of the file with the layer that they became.
    fn became(&self) -> impl Iterator<Item = (&String, &LayerView)> {
        self.made_of.iter().zip(&self.layers)
    }

    /// The page.
    pub fn to_html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }
}
