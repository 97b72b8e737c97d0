//! `staging stage --stats`: how long operations waited and were served.

use super::scene::{Result, Scene};

#[test]
fn times_are_told_where_they_are_asked_for() -> Result {
    let scene = Scene::new()?;
    for name in ["tree/a", "tree/b", "tree/c"] {
        scene.file(name, b"some")?;
    }
    let report = scene.run(&["stage", "--json", "--stats", "tree"])?.json()?;
    let open = &report["times"]["open"];
    for part in [&open["waiting"], &open["service"]] {
        assert_eq!(part["count"], 3, "{report}");
        let told = ["p50", "p90", "p99", "longest"].map(|field| part[field].as_f64());
        assert!(
            told.iter().all(Option::is_some) && told.is_sorted(),
            "{report}"
        );
        assert!(part["mean"].as_f64() <= told[3], "{report}");
    }
    assert_eq!(
        report["times"].as_object().map(serde_json::Map::len),
        Some(1),
        "{report}"
    );
    let table = scene.run(&["stage", "--stats", "tree"])?.out;
    for words in ["50%", "99%", "open waiting", "open service"] {
        assert!(table.contains(words), "{words} in {table}");
    }
    for args in [&["stage", "--json", "tree"][..], &["stage", "tree"]] {
        let told = scene.run(args)?.out;
        assert!(
            !told.contains("waiting") && !told.contains("times"),
            "{told}"
        );
    }
    Ok(())
}
