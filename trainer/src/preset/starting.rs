//! A preset to start from: a small network for images of any size, with a recipe that mostly works.

use infer::Shape;

/// Filters of the first convolution; each one after a pooling has more.
const FILTERS: [u32; 4] = [16, 32, 48, 64];

/// Side of a map from which on it is not pooled any more.
const SMALLEST_POOLED: u16 = 6;

/// Units of the dense layer before real values.
const UNITS: usize = 32;

/// Convolutions of 3x3 with pooling until the map is small, then a dense layer; for `images`
/// training images of `classes` classes.
pub fn classify(image: Shape, classes: usize, images: usize) -> String {
    let head = format!("# A start for {image} images of {classes} classes.");
    let end = format!("{}\n[[network.layer]]\ntype = \"softmax\"\n", dense(classes, ""));
    format!("{}{}{end}{}{RECIPE}", input(&head, image), maps(image), training(images, "", 20))
}

/// The same maps, then two dense layers; for `values` real values that belong to each image.
pub fn regress(image: Shape, values: usize, images: usize) -> String {
    let head = format!("# A start for {image} images with {values} values to answer.");
    let task = "task = \"regress\"\n# \"absolute\" cares less for a few values that are far off.\n\
        error = \"squared\"\n";
    let layers = [maps(image), dense(UNITS, RELU), dense(values, "")].concat();
    format!("{}{layers}{}{RECIPE}", input(&head, image), training(images, task, 20))
}

/// Dense layers that get narrower and wider again.
pub fn reconstruct(image: Shape, images: usize) -> String {
    let head = format!("# A start for an autoencoder of {image} images.");
    let task = "task = \"reconstruct\"\n# Part of the training images that are called usual.\n\
        threshold_quantile = 0.99\n";
    let values = image.len();
    let (wide, narrow) = (values.clamp(16, 128), (values / 8).clamp(2, 16));
    let units = [wide, wide / 2, narrow, wide / 2, wide];
    let layers: String = units.into_iter().map(|units| dense(units, RELU)).collect();
    let layers = layers + &dense(values, "");
    format!("{}{layers}{}{STEADY}", input(&head, image), training(images, task, 40))
}

/// What follows a layer.
const RELU: &str = "activation = \"relu\"\n";

fn input(head: &str, image: Shape) -> String {
    let Shape { height, width, channels } = image;
    format!(
        "{head} docs/preset.md lists every key.\n\n\
         [network.input]\nheight = {height}\nwidth = {width}\nchannels = {channels}\n"
    )
}

fn dense(units: usize, after: &str) -> String {
    format!("\n[[network.layer]]\ntype = \"dense\"\nunits = {units}\n{after}")
}

/// Convolutions and poolings.
fn maps(image: Shape) -> String {
    let Shape { height, width, .. } = image;
    let mut text = String::new();
    // Windows of sensor values have one column: they are looked at along time alone.
    let is_series = width == 1;
    let (kernel, pooled) = if is_series { ("[3, 1]", "[2, 1]") } else { ("3", "2") };
    for (index, filters) in FILTERS.iter().enumerate() {
        let rows = height >> index;
        let columns = if is_series { rows } else { width >> index };
        if rows.min(columns) < 3 {
            break;
        }
        text += &format!(
            "\n[[network.layer]]\ntype = \"conv\"\nfilters = {filters}\nkernel = {kernel}\n\
             padding = \"same\"\nactivation = \"relu\"\n"
        );
        if rows.min(columns) < SMALLEST_POOLED {
            break;
        }
        text += &format!("\n[[network.layer]]\ntype = \"max_pool\"\nsize = {pooled}\n");
    }
    text
}

/// Most images that are held out.
const HELD_OUT: usize = 1000;

/// Length and steps, with held-out images to judge changes by.
fn training(images: usize, task: &str, epochs: usize) -> String {
    let held_out = HELD_OUT.min(images / 6);
    format!(
        "\n[training]\n{task}epochs = {epochs}\nbatch = 32\n# Judge what you change by the \
            held-out images; set this to 0 for the last run.\nheld_out = {held_out}\n"
    )
}

const RECIPE: &str = r#"weight_decay = 5e-4

[training.optimizer]
type = "sgd"
learning_rate = 0.03
momentum = 0.9
nesterov = true

[training.schedule]
type = "cosine"
warmup = 0.2

[training.batch_norm]
momentum = 0.9
epsilon = 1e-5
min_gamma = 0.02
"#;

/// Steps of one size whatever that of the gradients, which are small where an input has many
/// values.
const STEADY: &str = r#"
[training.optimizer]
type = "rmsprop"
learning_rate = 0.001
rho = 0.9
epsilon = 1e-7
epsilon_in_root = false
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::recipe::Task;

    #[test]
    fn it_is_a_preset_for_images_of_any_size() {
        for (height, width, channels) in
            [(28, 28, 1), (96, 96, 3), (8, 8, 1), (49, 10, 1), (3, 3, 3), (100, 1, 6)]
        {
            let shape = Shape::new(height, width, channels);
            for classes in [2, 10, 100] {
                let made = Preset::parse("new", &classify(shape, classes, 60)).unwrap();
                assert_eq!(made.recipe.held_out, 10);
                assert_eq!(made.network.input.shape(), shape);
                assert_eq!(made.network.classes(), Ok(classes));
            }
        }
        for shape in [Shape::new(28, 28, 1), Shape::new(1, 1, 5), Shape::new(100, 1, 6)] {
            let made = Preset::parse("new", &regress(shape, 3, 60)).unwrap();
            assert_eq!((made.recipe.task, made.network.classes()), (Task::Regress, Ok(3)));
            let made = Preset::parse("new", &reconstruct(shape, 60)).unwrap();
            assert_eq!(made.recipe.task, Task::Reconstruct);
            assert_eq!(made.network.classes(), Ok(shape.len()));
        }
        assert!(classify(Shape::new(100, 1, 6), 4, 60).contains("kernel = [3, 1]"));
        assert!(Preset::parse("new", &classify(Shape::new(1, 40, 1), 3, 60_000)).is_ok());
    }
}
