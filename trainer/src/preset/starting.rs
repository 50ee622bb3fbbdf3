//! A preset to start from: a small network for images of any size, with a recipe that mostly works.

use infer::Shape;

/// Filters of the first convolution; each one after a pooling has more.
const FILTERS: [u32; 4] = [16, 32, 48, 64];

/// Side of a map from which on it is not pooled any more.
const SMALLEST_POOLED: u16 = 6;

/// Convolutions of 3x3 with pooling until the map is small, then a dense layer; for `images`
/// training images of `classes` classes.
pub fn preset(image: Shape, classes: usize, images: usize) -> String {
    let Shape { height, width, channels } = image;
    let mut text = format!(
        "# A start for {image} images of {classes} classes. docs/preset.md lists every key.\n\n\
         [network.input]\nheight = {height}\nwidth = {width}\nchannels = {channels}\n"
    );
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
    text += &format!(
        "\n[[network.layer]]\ntype = \"dense\"\nunits = {classes}\n\n[[network.layer]]\n\
         type = \"softmax\"\n"
    );
    text + &recipe(images)
}

/// Most images that are held out.
const HELD_OUT: usize = 1000;

/// With held-out images to judge changes by.
fn recipe(images: usize) -> String {
    let held_out = HELD_OUT.min(images / 6);
    format!(
        "\n[training]\nepochs = 20\nbatch = 32\n# Judge what you change by the held-out images; \
            set this to 0 for the last run.\nheld_out = {held_out}\n{RECIPE}"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn it_is_a_preset_for_images_of_any_size() {
        for (height, width, channels) in
            [(28, 28, 1), (96, 96, 3), (8, 8, 1), (49, 10, 1), (3, 3, 3), (100, 1, 6)]
        {
            let shape = Shape::new(height, width, channels);
            for classes in [2, 10, 100] {
                let made = Preset::parse("new", &preset(shape, classes, 60)).unwrap();
                assert_eq!(made.recipe.held_out, 10);
                assert_eq!(made.network.input.shape(), shape);
                assert_eq!(made.network.classes(), Ok(classes));
            }
        }
        assert!(preset(Shape::new(100, 1, 6), 4, 60).contains("kernel = [3, 1]"));
        assert!(Preset::parse("new", &preset(Shape::new(1, 40, 1), 3, 60_000)).is_ok());
    }
}
