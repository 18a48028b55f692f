//! Nobody is kept from reading a page: axe-core finds nothing in light and in dark, pages reflow when they are made
//! larger, and everything that can be reached with a mouse is reached with the keyboard, and seen when it is.
//!
//! axe-core is no part of the project: `tests/run.sh` fetches one version of it and compares its digest.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::chromium;
use crate::support::{Project, copy_folder, migrated_city, run};

/// Loads each page into a frame as wide as a desk, opens what is folded, asks axe-core, walks through what can be
/// reached, and narrows the frame to what is left of a desk at 200 % and 400 %.
const DRIVER: &str = r"
const told = [];
const settled = frame => new Promise(done => frame.onload = done);
async function look(name) {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'width:1280px;height:900px;border:0';
  frame.src = name;
  document.body.append(frame);
  await settled(frame);
  const page = frame.contentDocument, view = frame.contentWindow;
  page.querySelectorAll('details').forEach(one => one.open = true);
  const found = await view.axe.run(page, { resultTypes: ['violations'], iframes: false });
  const violations = found.violations.map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | '));
  const reached = [...page.querySelectorAll('a[href], button, summary, [tabindex]')];
  const order = reached.filter(one => one.tabIndex !== 0).map(one => one.outerHTML.slice(0, 100));
  const unseen = [];
  for (const one of reached) {
    one.focus({ focusVisible: true });
    const style = view.getComputedStyle(one);
    const seen = page.activeElement === one && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    if (!seen) unseen.push(one.outerHTML.slice(0, 100));
  }
  page.activeElement.blur();
  const widths = {};
  for (const width of [640, 320]) {
    frame.style.width = width + 'px';
    widths[width] = page.documentElement.scrollWidth;
  }
  told.push({ name, violations, order, unseen, widths, passes: found.passes.length, reached: reached.length,
    dark: view.matchMedia('(prefers-color-scheme: dark)').matches });
  frame.remove();
}
(async () => {
  try { for (const name of PAGES) await look(name); } catch (error) { told.push({ error: String(error) }); }
  document.body.textContent = 'TOLD' + encodeURIComponent(JSON.stringify(told)) + 'END';
})();
";

/// The pages, by a name for messages.
type Pages = Vec<(String, PathBuf)>;

/// What a browser says of pages.
fn look_at(axe: &str, pages: &Pages, is_dark: bool) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("axe.js"), axe).unwrap();
    let mut names = Vec::new();
    for (number, (_, page)) in pages.iter().enumerate() {
        let text = std::fs::read_to_string(page).unwrap();
        // The page itself forbids every script, so the copy goes without that line.
        let policy = text.lines().find(|line| line.contains("Content-Security-Policy"));
        let text = text.replace(policy.expect("the page has a policy"), "<script src=\"axe.js\"></script>");
        let name = format!("page-{number}.html");
        std::fs::write(dir.path().join(&name), text).unwrap();
        names.push(name);
    }
    let names = serde_json::to_string(&names).unwrap();
    let driver = format!("<!DOCTYPE html><body><script>const PAGES = {names};{DRIVER}</script>");
    let place = dir.path().join("driver.html");
    std::fs::write(&place, driver).unwrap();
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark));
    let address = format!("file://{}", place.display());
    let arguments =
        ["--allow-file-access-from-files", "--window-size=1400,1000", "--virtual-time-budget=600000"];
    let dom = chromium(&[&arguments[..], &[&scheme, "--dump-dom", &address]].concat());
    let told = dom.split("TOLD").nth(1).and_then(|told| told.split("END").next());
    let told = decoded(told.unwrap_or_else(|| panic!("no answer in {dom}")));
    serde_json::from_str(&told).unwrap()
}

/// A text as it was before it was made a part of an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).unwrap()
}

/// What is wrong with pages, in one text.
fn wrong(pages: &Pages, told: &[Value], is_dark: bool) -> String {
    let (mut problems, mut reached) = (String::new(), 0);
    assert_eq!(told.len(), pages.len(), "{told:?}");
    for (one, (name, _)) in told.iter().zip(pages) {
        assert!(one["error"].is_null(), "{name}: {}", one["error"]);
        assert_eq!(one["dark"], is_dark, "the browser shows the other colours");
        assert!(one["passes"].as_u64().unwrap() > 10, "axe-core looked at nothing of {name}");
        reached += one["reached"].as_u64().unwrap();
        for kind in ["violations", "order", "unseen"] {
            for problem in one[kind].as_array().unwrap() {
                writeln!(problems, "{name}, {kind}: {}", problem.as_str().unwrap()).unwrap();
            }
        }
        for width in [640, 320] {
            let found = one["widths"][width.to_string()].as_u64().unwrap();
            if found > width {
                writeln!(problems, "{name} is {found} pixels wide in {width}").unwrap();
            }
        }
    }
    // A page that only tells that nothing has changed has nothing to go to.
    assert!(reached > 1, "only {reached} places of {} pages can be reached", pages.len());
    problems
}

/// A page of every kind that the program writes.
fn all_pages(project: &Project) -> Pages {
    let place = project.dir.to_str().unwrap();
    let mut pages = Pages::new();
    let more = ["--lang", "en", "--protected", "--testers", "4"];
    run([&["reconcile", "--project", place], &more[..]].concat()).expect(&[0, 3]);
    for folder in ["report", "report/protected"] {
        let dir = project.dir.join(folder);
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.extension() == Some(OsStr::new("html")));
        found.sort();
        let few = if folder == "report" { found.len() } else { 1 };
        pages.extend(found.into_iter().take(few).map(|path| (path.display().to_string(), path)));
    }
    assert!(pages.len() > 8, "{} pages of the report", pages.len());
    let file = |name: &str| project.dir.join(name).to_str().unwrap().to_owned();
    for (verb, name) in [("inspect", "inspect.html"), ("profile", "profile.html"), ("drift", "drift.html")] {
        let codes: &[i32] = if verb == "drift" { &[0, 2, 5] } else { &[0] };
        run(["source", verb, "paraply", "--project", place, "--html", &file(name)]).expect(codes);
        pages.push((name.to_owned(), project.dir.join(name)));
    }
    run(["mapping", "docs", "--project", place, "--out", &file("handbook")]).expect(&[0]);
    for name in [
        "index",
        "oppna-fragor",
        "kodlistor",
        "kodlista-beslutstyp",
        "modell",
        "modell-beslut",
        "system-warna",
    ] {
        pages.push((name.to_owned(), project.dir.join(format!("handbook/{name}.html"))));
    }
    let old = project.dir.join("old");
    copy_folder(&project.dir.join("mappings"), &old);
    change(&old.join("codes/beslutstyp.csv"), "EBLF,livsforing_i_ovrigt", "EBLF,livsforing");
    let sides = [old.to_str().unwrap(), place];
    let more = ["--effect", "--project", place, "--html", &file("diff.html")];
    run([&["diff"], &sides[..], &more[..]].concat()).expect(&[2]);
    pages.push(("diff".to_owned(), project.dir.join("diff.html")));
    pages
}

fn change(path: &Path, is: &str, was: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(is), "{} does not say {is}", path.display());
    std::fs::write(path, text.replacen(is, was, 1)).unwrap();
}

/// The text of axe-core; `None`, with a line that says so, where nobody has fetched it.
fn axe() -> Option<String> {
    let Some(file) = std::env::var_os("BRON_TEST_AXE") else {
        println!("SKIPPED: accessibility: BRON_TEST_AXE does not say where axe-core lies");
        return None;
    };
    Some(std::fs::read_to_string(file).unwrap())
}

#[test]
fn every_page_can_be_read_by_everybody() {
    let Some(axe) = axe() else { return };
    let project = migrated_city();
    let pages = all_pages(&project);
    let problems = [false, true].map(|is_dark| wrong(&pages, &look_at(&axe, &pages, is_dark), is_dark));
    let problems = problems.concat();
    assert!(problems.is_empty(), "\n{problems}");
    println!("{} pages looked at in light and in dark", pages.len());
}

#[test]
fn what_keeps_somebody_from_reading_is_found() {
    let Some(axe) = axe() else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("bad.html");
    let text = "<!DOCTYPE html><html lang=\"sv\"><head>\n\
                <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">\n<title>x</title></head>\
                <body><main><h1>x</h1><p style=\"color:#bbb;background:#fff\">svagt</p>\
                <a href=\"#a\" tabindex=\"3\" style=\"outline:none\">x</a><a href=\"#b\">y</a>\
                <div style=\"width:900px\">brett</div><img src=\"data:,\"></main></body></html>";
    std::fs::write(&page, text).unwrap();
    let pages = vec![("bad".to_owned(), page)];
    let told = look_at(&axe, &pages, false);
    let problems = wrong(&pages, &told, false);
    for expected in ["color-contrast", "image-alt", "bad, order", "bad, unseen", "pixels wide in 320"] {
        assert!(problems.contains(expected), "{expected} is not in\n{problems}");
    }
}
