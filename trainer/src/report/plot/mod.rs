//! Charts: SVG by `plotters`, in the colours of [`theme`] that the page's style sheet knows for
//! light and dark.

pub mod axes;
pub mod curves;
pub mod errors;
pub mod maps;
pub mod memory;
pub mod reliability;
pub mod scatter;
pub mod theme;
pub mod weights;

use std::error::Error;

use askama::Template;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::prelude::{IntoDrawingArea, SVGBackend};

/// SVG units of one pixel of the page: `plotters` draws on whole units only.
pub const UNITS: u32 = 4;

/// Where a chart is drawn.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What drawing says when it fails, which it does not in memory.
pub type Drawn = Result<(), Box<dyn Error>>;

/// A chart as it stands in a page: its `Display` is an `svg` element, whatever its label holds.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(
    source = "<svg viewBox=\"0 0 {{ width }} {{ height }}\" role=\"img\" \
        aria-label=\"{{ label }}\">{{ elements|safe }}</svg>",
    ext = "html"
)]
pub struct Plot {
    /// Columns, SVG units.
    pub width: u32,
    /// Rows, SVG units.
    pub height: u32,
    /// What it shows, for those who do not see it.
    pub label: String,
    /// SVG elements. All text in them has been escaped by `plotters`.
    pub elements: String,
}

impl Plot {
    /// Draws a chart of `width` x `height` pixels of the page.
    pub fn draw(size: [u32; 2], label: String, paint: impl FnOnce(&Canvas<'_>) -> Drawn) -> Self {
        let [width, height] = size.map(|pixels| pixels * UNITS);
        let mut svg = String::new();
        {
            let canvas = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
            let painted = paint(&canvas).and_then(|()| Ok(canvas.present()?));
            painted.expect("drawing into a string does not fail");
        }
        Self { width, height, label, elements: inside(&svg).to_owned() }
    }
}

/// The elements of an SVG document: the page writes the frame around them itself.
fn inside(svg: &str) -> &str {
    let start = svg.find('>').map_or(0, |end| end + 1);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    svg.get(start..end).unwrap_or_default().trim()
}

/// Pixels of the page in SVG units.
pub(super) const fn units(pixels: u32) -> i32 {
    (pixels * UNITS) as i32
}

#[cfg(test)]
mod tests {
    use plotters::prelude::*;

    use super::*;

    #[test]
    fn text_is_escaped_and_nothing_points_outside() {
        let plot = Plot::draw([10, 10], "a label".to_owned(), |canvas| {
            canvas.draw(&Text::new("<script>\"'&", (0, 0), theme::text()))?;
            Ok(())
        });
        assert!(plot.elements.contains("&lt;script&gt;&quot;&apos;&amp;"), "{}", plot.elements);
        assert!(
            !plot.elements.contains("http") && !plot.elements.contains("<svg"),
            "{}",
            plot.elements
        );
        assert_eq!((plot.width, plot.height), (40, 40));
    }
}
