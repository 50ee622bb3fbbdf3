use std::fs;

use infer::Shape;
use tempfile::TempDir;

use crate::data::reading::{Columns, Reading};
use crate::data::{DataDir, Request};

/// Two values, a class and a person; windows of two rows.
fn columns(step: u16) -> Columns {
    Columns {
        values: ["y", "x"].map(str::to_owned).to_vec(),
        label: Some("class".to_owned()),
        targets: vec![],
        group: Some("who".to_owned()),
        window: 2,
        step,
    }
}

fn read(folder: &TempDir, columns: Columns, share: Option<f64>) -> Result<DataDir, String> {
    let file = match share {
        Some(_) => folder.path().join("all.csv"),
        None => folder.path().to_owned(),
    };
    let reading = Reading { columns: Some(columns), test_share: share, ..Reading::default() };
    DataDir::read(&file, &Request { reading, ..Request::default() }).map_err(|e| e.to_string())
}

const TRAIN: &str = "time,x,y,class,who\n0,0,10,up,anna\n1,1,20,up,anna\n2,2,30,up,anna\n\
    3,3,40,down,anna\n4,4,50,up,anna\n5,2,10,up,anna\n";
const TEST: &str = "time;x;y;class;who\r\n0;4;10;down;bert\r\n1;8;20;down;bert\r\n";

fn parts() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("train.csv"), TRAIN).unwrap();
    fs::write(folder.path().join("test.csv"), TEST).unwrap();
    folder
}

#[test]
fn windows_lie_within_one_label_and_columns_have_scales_of_their_own() {
    let data = read(&parts(), columns(1), None).unwrap();
    assert_eq!(
        (data.train.shape, data.names),
        (Shape::new(2, 1, 2), vec!["down".into(), "up".into()])
    );
    // y from 10 to 50, x from 0 to 4 in the windows; y comes first.
    let expected = [0, 0, 64, 64, 64, 64, 127, 127, 255, 255, 0, 127];
    assert_eq!((data.train.pixels.as_slice(), data.train.labels), (&expected[..], vec![1, 1, 1]));
    assert_eq!((data.test.pixels.as_slice(), data.test.labels), (&[0, 255, 64, 255][..], vec![0]));
    assert!(
        data.notes[0].contains("scales each channel from y 10 to 50, x 0 to 4"),
        "{:?}",
        data.notes
    );
    assert!(data.notes[1].starts_with("1 of 3 runs of one group and one label are shorter"));
    assert!(data.notes[2].starts_with("1 of 4 values lie beyond"), "{:?}", data.notes);
}

#[test]
fn the_step_says_where_windows_begin() {
    let windows = |step| read(&parts(), columns(step), None).unwrap().train.len();
    assert_eq!([windows(1), windows(2), windows(9)], [3, 2, 2]);
}

#[test]
fn a_group_is_on_one_side_alone() {
    let folder = TempDir::new().unwrap();
    let row = |who: usize, row: usize| format!("{},{row},{},p{who}\n", who, row % 2);
    // Labels change with each row: a window is one row.
    let rows: String = (0..40).flat_map(|who| (0..5).map(move |moment| row(who, moment))).collect();
    fs::write(folder.path().join("all.csv"), format!("x,y,class,who\n{rows}")).unwrap();
    let one = Columns { window: 1, step: 1, ..columns(1) };
    let data = read(&folder, one.clone(), Some(0.3)).unwrap();
    let people = |part: &crate::data::Dataset| {
        let mut people: Vec<u8> = part.pixels.chunks(2).map(|pixels| pixels[1]).collect();
        people.dedup();
        people
    };
    // x is the person's number: of 5 rows each all are on one side.
    let trained = people(&data.train);
    assert_eq!((trained.len() * 5, data.train.len() + data.test.len()), (data.train.len(), 200));
    assert!((4..=20).contains(&people(&data.test).len()), "{}", data.test.len());
    let message = read(&folder, one, Some(1e-9)).unwrap_err();
    assert!(message.contains("of 40 groups --test-share 0.000000001 makes 0 test"), "{message}");
    let shared = parts();
    fs::write(shared.path().join("test.csv"), TRAIN).unwrap();
    let notes = read(&shared, columns(1), None).unwrap().notes;
    assert!(notes[0].starts_with("training and test series share groups: anna"), "{notes:?}");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let case = |table: &str, columns: Columns, expected: &str| {
        let folder = parts();
        fs::write(folder.path().join("train.csv"), table).unwrap();
        let message = read(&folder, columns, None).unwrap_err();
        assert!(message.contains(expected) && !message.contains('\n'), "{expected}\n{message}");
    };
    let header = "x,y,class,who\n";
    case(
        TRAIN,
        Columns { label: Some("klass".into()), ..columns(1) },
        "train.csv: no column 'klass': there are time, x, y, class, who",
    );
    case(&format!("{header}1,2,a,b\n1,,a,b\n"), columns(1), "line 3: y is '': values are finite");
    case(&format!("{header}1,\"2\n3\",a,b\n"), columns(1), "line 2: y is '2\\n3': values");
    case(&format!("{header}1,nan,a,b\n"), columns(1), "line 2: y is 'nan'");
    case(&format!("{header}1,2,,b\n"), columns(1), "line 2: class is empty: each row needs");
    case(
        &format!("{header}1,2\n"),
        columns(1),
        "train.csv: line 2 has 2 cells, the first line has 4",
    );
    case(&format!("{header}1,2,a,b\n"), columns(1), "no window of 2 rows: of 1 runs");
    case("", columns(1), "train.csv: it is empty: the first line must name the columns");
    let folder = parts();
    let silent = DataDir::load(folder.path()).unwrap_err().to_string();
    assert!(silent.ends_with("rows of a window; there are time, x, y, class, who"), "{silent}");
    let request = Request {
        reading: Reading { columns: Some(columns(1)), ..Reading::default() },
        ..Request::default()
    };
    let images = DataDir::read(&DataDir::default_path(), &request).unwrap_err().to_string();
    assert!(images.ends_with("--columns and --window are for CSV files: leave them out"));
}
