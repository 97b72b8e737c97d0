//! A measured row as a picture: horizontal bars of ratios, to be read on light and on dark.

use crate::figures::{Figure, Measured};
use crate::row::{Aspect, Kind};
use crate::table::{time, times};
use svg::Document;
use svg::node::element::{Line, Rectangle, Style, Text};

const WIDTH: f64 = 880.0;
const TOP: f64 = 62.0;
const STEP: f64 = 24.0;
/// Where bars begin: names stand left of it.
const LEFT: f64 = 350.0;
/// Where the longest bar ends: figures stand right of it.
const RIGHT: f64 = 740.0;
/// Beyond such a span, bars are logarithms.
const SPAN: f64 = 20.0;

/// Colours that stand out from white and from black; text follows the reader's scheme.
const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 15px; }
    .small { font-size: 12px; fill: #59636e; }
    .grid { stroke: #59636e; stroke-opacity: .35; }
    .ours { fill: #1a7f5a; } .popular { fill: #b7791f; }
    .peer { fill: #5b7db1; } .limit { fill: #8a8f98; }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; } .small { fill: #9198a1; }
        .ours { fill: #3fb68b; }
    }
";

/// The picture of a row, as SVG.
pub(crate) fn picture(row: &Measured, quick: bool) -> String {
    let bars: Vec<&Figure> = row
        .figures
        .iter()
        .filter(|figure| !gives_back(figure))
        .collect();
    let height = TOP + STEP * bars.len() as f64 + 40.0;
    let scale = Scale::of(row.figures.iter().map(|figure| figure.median));
    let mut drawing = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .set("aria-label", format!("{}: {}", row.id, row.title))
        .add(Style::new(STYLE))
        .add(text(
            8.0,
            22.0,
            "title",
            "start",
            &format!("{}  {}", row.id, row.title),
        ));
    let hurried = if quick {
        ", in a hurry: not to be trusted"
    } else {
        ""
    };
    let pale = if row.figures.iter().any(gives_back) {
        "; pale: giving it back"
    } else {
        ""
    };
    let scaled = if scale.logarithmic {
        ", logarithmic"
    } else {
        ""
    };
    let ratio = match row.figures.iter().all(|figure| row.is_base(&figure.base)) {
        true => format!("ratio to {}", row.base),
        false => "ratio to what each is compared with".to_owned(),
    };
    let unit = &row.unit;
    let below = format!("{ratio}, median for {unit}{scaled}{pale}{hurried}");
    drawing = drawing.add(text(8.0, 42.0, "small", "start", &below));
    for at in scale.marks() {
        let mark = Line::new()
            .set("class", "grid")
            .set("x1", at)
            .set("x2", at)
            .set("y1", TOP - 6.0)
            .set("y2", height - 34.0);
        drawing = drawing.add(mark);
    }
    for (at, figure) in bars.into_iter().enumerate() {
        let y = TOP + STEP * at as f64;
        let back = row.median(&format!("{}{}", figure.name, Aspect::GivenBack.suffix()));
        if let Some(back) = back {
            let pale = bar(figure.kind, y, scale.end(back)).set("fill-opacity", 0.35);
            drawing = drawing.add(pale);
        }
        let end = scale.end(figure.median);
        let ratio = figure
            .ratio
            .map_or(String::new(), |ratio| format!("{}  ", times(ratio)));
        let said = format!("{ratio}({})", time(figure.median));
        drawing = drawing
            .add(text(LEFT - 8.0, y + 12.0, "name", "end", &figure.name))
            .add(bar(figure.kind, y, end))
            .add(text(
                end.max(back.map_or(end, |back| scale.end(back))) + 6.0,
                y + 12.0,
                "figure",
                "start",
                &said,
            ));
    }
    let mut x = LEFT;
    for kind in [Kind::Ours, Kind::Popular, Kind::Peer, Kind::Limit] {
        let spot = Rectangle::new()
            .set("class", kind.name())
            .set("x", x)
            .set("y", height - 24.0)
            .set("width", 12)
            .set("height", 12);
        drawing =
            drawing
                .add(spot)
                .add(text(x + 18.0, height - 14.0, "small", "start", kind.name()));
        x += 90.0;
    }
    drawing.to_string()
}

/// What is drawn pale behind its own work.
fn gives_back(figure: &Figure) -> bool {
    figure.name.ends_with(Aspect::GivenBack.suffix())
}

fn bar(kind: Kind, y: f64, end: f64) -> Rectangle {
    Rectangle::new()
        .set("class", kind.name())
        .set("x", LEFT)
        .set("y", y)
        .set("width", (end - LEFT).max(1.0))
        .set("height", STEP - 8.0)
        .set("rx", 2)
}

fn text(x: f64, y: f64, class: &str, anchor: &str, said: &str) -> Text {
    Text::new(said)
        .set("class", class)
        .set("text-anchor", anchor)
        .set("x", x)
        .set("y", y)
}

/// From times to places.
struct Scale {
    /// Where bars begin, in nanoseconds.
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    fn of(times: impl Iterator<Item = f64>) -> Scale {
        let times = times.filter(|time| time.is_finite() && *time > 0.0);
        let (least, most) = times.fold((f64::INFINITY, 1.0_f64), |(least, most), time| {
            (least.min(time), most.max(time))
        });
        match most / least > SPAN {
            // The shortest bar is to be seen.
            true => Scale {
                from: least / 2.0,
                to: most,
                logarithmic: true,
            },
            false => Scale {
                from: 0.0,
                to: most,
                logarithmic: false,
            },
        }
    }

    fn end(&self, time: f64) -> f64 {
        let share = match self.logarithmic {
            true => (time / self.from).ln() / (self.to / self.from).ln(),
            false => time / self.to,
        };
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    }

    /// Where lines help the eye: powers of ten, or quarters.
    fn marks(&self) -> Vec<f64> {
        if !self.logarithmic {
            return (0..=4)
                .map(|n| self.end(self.to * f64::from(n) / 4.0))
                .collect();
        }
        let powers = self.from.log10().ceil() as i32..=self.to.log10().floor() as i32;
        powers.map(|power| self.end(10_f64.powi(power))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::row;

    #[test]
    fn a_picture_has_a_bar_for_each_figure_and_says_names_safely() {
        let drawn = picture(
            &row(&[("a & b", Kind::Popular, 100.0), ("ours", Kind::Ours, 40.0)]),
            false,
        );
        // Four more explain the colours.
        assert_eq!(drawn.matches("<rect").count(), 2 + 4);
        assert!(
            drawn.contains("a &amp; b") && drawn.contains("files &lt;made&gt; ready"),
            "{drawn}"
        );
        assert!(drawn.contains("prefers-color-scheme: dark") && !drawn.contains("logarithmic"));
    }

    #[test]
    fn wide_spans_are_drawn_as_logarithms() {
        let scale = Scale::of([1.0, 10.0, 1000.0].into_iter());
        assert!(scale.logarithmic);
        assert!(scale.end(1.0) > LEFT && scale.end(1000.0) == RIGHT);
        assert_eq!(scale.marks().len(), 4);
        let plain = Scale::of([50.0, 100.0].into_iter());
        assert_eq!(plain.end(50.0), (LEFT + RIGHT) / 2.0);
        let nothing = Scale::of([].into_iter());
        assert!(nothing.end(0.0).is_finite());
    }
}
