use super::*;

/// Convolution and dense layer on an input of `height` x `width` at `offset`.
fn network(height: u16, width: u16, offset: [i16; 2], units: usize) -> Network {
    let layers = format!(
        r#"input = {{ height = {height}, width = {width}, channels = 1, offset = {offset:?} }}
           layer = [
               {{ type = "conv", filters = 1, kernel = 1 }},
               {{ type = "dense", units = {units} }},
           ]"#
    );
    toml::from_str(&layers).unwrap()
}

/// Different images of `shape`, one for each label.
fn part(shape: Shape, labels: &[u8], classes: usize) -> Dataset {
    let pixel = |place: usize| (place * 7919 % 251) as u8 + (place % 5) as u8;
    let pixels = (0..labels.len() * shape.len()).map(pixel).collect();
    Dataset { shape, pixels, labels: labels.to_vec(), classes, targets: vec![] }
}

fn data(shape: Shape, train: &[u8], test: &[u8]) -> DataDir {
    let classes = train.iter().chain(test).max().map_or(0, |label| *label as usize + 1);
    let mut test = part(shape, test, classes);
    test.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    DataDir {
        train: part(shape, train, classes),
        test,
        names: vec![],
        notes: vec![],
        scales: vec![],
        targets: vec![],
        is_labelled: true,
    }
}

fn notes(network: &Network, data: &DataDir) -> Vec<String> {
    check(network, Task::Classify, data, &Survey::of(data)).unwrap()
}

const SMALL: Shape = Shape::new(8, 6, 1);

fn labels(train: &[u8], test: &[u8]) -> Vec<String> {
    let data = data(SMALL, train, test);
    notes(&network(8, 6, [0, 0], data.train.classes), &data)
}

#[test]
fn what_fits_is_not_spoken_of() {
    assert_eq!(labels(&[0, 1, 2, 0, 1, 2], &[0, 1, 2]), [""; 0]);
}

#[test]
fn mnist_and_its_presets_are_not_spoken_of() {
    let data = DataDir::load(&DataDir::default_path()).unwrap();
    for preset in ["tutorial", "standard", "best"] {
        let network = crate::preset::Preset::load(preset).unwrap().network;
        assert_eq!(notes(&network, &data), [""; 0], "{preset}");
    }
}

#[test]
fn a_network_that_reads_a_part_says_which() {
    let large = data(Shape::new(56, 56, 1), &[0, 1, 0, 1], &[0, 1]);
    for (offset, from) in [([3, 3], "row 3, column 3"), ([0, 0], "row 0, column 0")] {
        let expected = format!(
            "the images are 56x56x1, the network reads 28x28 pixels of them from {from}: 25 % of \
                each image"
        );
        assert!(notes(&network(28, 28, offset, 2), &large)[0].starts_with(&expected));
    }
    // In the middle, but too little of it; then most of it.
    assert!(notes(&network(28, 28, [14, 14], 2), &large)[0].contains("25 % of each image"));
    assert_eq!(notes(&network(50, 50, [3, 3], 2), &large), [""; 0]);
    // Larger than the image: black all around, or on one side.
    assert_eq!(notes(&network(60, 60, [-2, -2], 2), &large), [""; 0]);
    assert!(notes(&network(60, 60, [0, 0], 2), &large)[0].contains("reads 60x60 pixels"));
}

#[test]
fn what_cannot_work_is_refused() {
    let data = data(SMALL, &[0, 1, 2], &[0]);
    let refusal = |network: &Network| {
        check(network, Task::Classify, &data, &Survey::of(&data)).unwrap_err().to_string()
    };
    let beside = refusal(&network(8, 6, [0, 6], 3));
    assert!(beside.contains("at offset [0, 6] lies outside of the 8x6x1 images"), "{beside}");
    assert!(require(&network(8, 6, [-8, 0], 3), Task::Classify, &data.train).is_err());
    assert!(require(&network(8, 6, [-7, 5], 3), Task::Classify, &data.train).is_ok());
    let few = refusal(&network(8, 6, [0, 0], 2));
    assert_eq!(
        few,
        "the labels go up to 2, but the network ends with 2 values: give its last layer 3 units"
    );
    let mut colour = network(8, 6, [0, 0], 3);
    colour.input.channels = 3;
    assert!(refusal(&colour).contains("the images have 1 values per pixel, the network takes 3"));
}

#[test]
fn outputs_without_a_meaning_are_counted() {
    let twenty = notes(&network(8, 6, [0, 0], 20), &data(SMALL, &[0, 1, 0, 1], &[0, 1]));
    assert_eq!(
        twenty,
        ["the network ends with 20 values, but the labels are 0 to 1: 18 of them stand for \
                nothing; give its last layer 2 units"]
    );
    let mut map = network(8, 6, [0, 0], 2);
    map.layers.pop();
    assert!(
        notes(&map, &data(SMALL, &[0, 1], &[0, 1]))[0]
            .starts_with("the network ends with 48 values")
    );
}

#[test]
fn classes_without_images_are_named() {
    assert_eq!(
        labels(&[0, 1, 0, 1], &[0, 1, 3, 3]),
        ["no training image has labels 2, 3, 2 test images have: the network cannot learn what \
                no image shows it"]
    );
    assert_eq!(
        labels(&[1, 2, 1, 2], &[1, 2]),
        ["no image has label 0: labels that are counted from 1 leave an output without a \
                meaning; subtract 1 from them"]
    );
    assert_eq!(
        labels(&[0, 1, 2], &[0, 2]),
        ["no test image has label 1: how well the network knows it is not measured"]
    );
    let one = labels(&[0, 0, 0], &[0]);
    assert_eq!(
        one,
        ["all training images have label 0: the network learns to give one answer, whatever it \
                sees"]
    );
}

#[test]
fn classes_of_few_images_are_named() {
    let many: Vec<u8> = std::iter::repeat_n(0, 40).chain([1, 1, 1, 1]).collect();
    assert_eq!(
        labels(&many, &[0, 1]),
        ["4 training images have label 1, 40 have label 0: class_weights = \"balanced\" in the \
                preset lets every class count the same"]
    );
    assert_eq!(labels(&many[1..], &[0, 1]), [""; 0]);
}

#[test]
fn pixels_that_use_little_of_their_range_are_noticed() {
    let mut dark = data(SMALL, &[0, 1, 0, 1], &[0, 1]);
    dark.train.pixels.iter_mut().for_each(|pixel| *pixel /= 16);
    dark.test.pixels.iter_mut().for_each(|pixel| *pixel /= 16);
    let said = notes(&network(8, 6, [0, 0], 2), &dark);
    assert!(said[0].starts_with("the brightest pixel of the training images is 15"), "{said:?}");
    dark.train.pixels.fill(9);
    let said = notes(&network(8, 6, [0, 0], 2), &dark);
    assert!(said[0].starts_with("every pixel of the training images is 9"), "{said:?}");
    assert!(said[1].starts_with("of the 4 training images only 1 are different"), "{said:?}");
    assert!(said[2].starts_with("2 training images occur again with another label"), "{said:?}");
}

#[test]
fn test_images_of_another_kind_are_noticed() {
    let mut data = data(SMALL, &[0, 1, 0, 1], &[0, 1]);
    data.test.pixels.fill(250);
    let said = notes(&network(8, 6, [0, 0], 2), &data);
    assert!(said[0].contains("250 in the test images: are some of them inverted?"), "{said:?}");
    data.test = Dataset { pixels: data.train.image(1).repeat(2), ..data.test };
    let said = notes(&network(8, 6, [0, 0], 2), &data);
    assert!(said[0].starts_with("2 of the 2 test images are training images too"), "{said:?}");
}

#[test]
fn a_model_is_for_images_of_one_shape() {
    let images = part(SMALL, &[0, 5, 7], 8);
    let error =
        check_model(Shape::new(6, 8, 1), 8, Task::Classify, &images).unwrap_err().to_string();
    assert_eq!(error, "the model takes 6x8x1 images, those of the data set are 8x6x1: use --data");
    assert_eq!(check_model(SMALL, 8, Task::Classify, &images), Ok(vec![]));
    assert_eq!(
        check_model(SMALL, 6, Task::Classify, &images).unwrap(),
        ["the labels go up to 7, the model tells 6 classes apart: 1 of the 3 images cannot be \
                answered correctly"]
    );
}

#[test]
fn images_that_look_transposed_are_noticed() {
    let mnist = DataDir::load(&DataDir::default_path()).unwrap();
    let train = mnist.train.transposed();
    let data = DataDir { train, ..mnist };
    let network = crate::preset::Preset::load("standard").unwrap().network;
    let said = notes(&network, &data);
    assert!(said[0].contains("--transpose turns them"), "{said:?}");
    assert_eq!(said.len(), 1, "{said:?}");
}

/// Values to answer of `train` and `test` images.
fn with_values(train: &[f32], test: &[f32]) -> Vec<String> {
    let mut data = data(SMALL, &[0; 6], &[0; 3]);
    (data.train.targets, data.test.targets) = (train.to_vec(), test.to_vec());
    data.targets = vec![Target { name: "warm".to_owned(), mean: 20.0, deviation: 2.0 }];
    check(&network(8, 6, [0, 0], 1), Task::Regress, &data, &Survey::of(&data)).unwrap()
}

#[test]
fn values_that_say_nothing_or_something_else_are_spoken_of() {
    let usual = [-1.0, 1.0, -1.0, 1.0, 0.5, -0.5];
    assert_eq!(with_values(&usual, &[0.5, -1.0, 0.0]), [""; 0]);
    assert_eq!(
        with_values(&usual, &[2.0, 1.0, 1.5]),
        ["value warm to answer is 20 in the mean of the training images, 23 in that of the test \
                images: they are not from the same source"]
    );
    let same = with_values(&[0.0; 6], &[0.0; 3]);
    assert!(same[0].starts_with("value warm to answer is 20 for all training images"), "{same:?}");
}

fn of_autoencoder(train: &[u8], test: &[u8]) -> Vec<String> {
    let data = data(SMALL, train, test);
    check(&network(8, 6, [0, 0], 48), Task::Reconstruct, &data, &Survey::of(&data)).unwrap()
}

#[test]
fn an_autoencoder_without_anything_unusual_to_find_is_spoken_of() {
    assert_eq!(of_autoencoder(&[0, 0, 1], &[0, 1, 2]), [""; 0]);
    assert_eq!(of_autoencoder(&[0, 0, 0], &[0, 0]), [""; 0]);
    let both = of_autoencoder(&[0, 0, 1], &[0, 1]);
    assert!(both[0].starts_with("the training images have labels 0, 1, and no test image"));
}

#[test]
fn an_autoencoder_takes_whole_images_alone() {
    let data = data(SMALL, &[0, 0], &[0]);
    let refused = |network: &Network| {
        require(network, Task::Reconstruct, &data.train).unwrap_err().to_string()
    };
    let moved = refused(&network(8, 6, [1, 0], 48));
    assert!(moved.starts_with("the images are 8x6x1; an autoencoder answers with"), "{moved}");
    assert!(refused(&network(8, 6, [0, 0], 47)).contains("leave 48 values, not 47"));
    assert!(require(&network(8, 6, [0, 0], 48), Task::Reconstruct, &data.train).is_ok());
    let model = check_model(SMALL, 47, Task::Reconstruct, &data.train);
    assert!(model.is_err() && check_model(SMALL, 48, Task::Reconstruct, &data.train).is_ok());
}
