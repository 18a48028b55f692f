//! The report, the page about two versions of the mapping files and the handbook open offline in a browser, on a
//! wide screen and on a phone, and fit; and everybody can read them.

mod accessibility;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::support::{copy_folder, fresh_city, migrated_city, run};

fn chromium(arguments: &[&str]) -> String {
    let program = std::env::var("BRON_TEST_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args(["--disable-component-update", "--disable-sync", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .output()
        .expect("chromium is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_report_is_one_file_that_needs_nothing_else() {
    let project = migrated_city();
    let report = project.dir.join("report/index.html");
    let text = std::fs::read_to_string(&report).unwrap();
    for forbidden in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!text.contains(forbidden), "the report contains {forbidden:?}");
    }
    let dom = chromium(&["--dump-dom", &format!("file://{}", report.display())]);
    assert!(dom.contains("<h1"), "the page has a heading");
    assert!(dom.contains("lang=\"sv\""));
}

/// How wide a page becomes on a phone of 360 pixels. The page around it and its copy lie in `dir`.
fn width_on_a_phone(dir: &Path, page: &Path) -> u32 {
    // A page around the report asks how wide it becomes; only this test has a script.
    let text = std::fs::read_to_string(page).unwrap();
    // The page itself forbids every script, so the probe goes without that line.
    let policy =
        text.lines().find(|line| line.contains("Content-Security-Policy")).expect("the page has a policy");
    let text = text.replace(policy, "");
    let probe = dir.join("probe.html");
    let page = text.replace(
        "</body>",
        "<script>document.title = 'width ' + document.documentElement.scrollWidth + ' of ' + window.innerWidth\
         </script></body>",
    );
    std::fs::write(&probe, page).unwrap();
    // Headless Chromium has a least window width, so the page goes into a frame as wide as a phone.
    let frame = dir.join("frame.html");
    let framed = "<iframe id=f src=\"probe.html\" style=\"width:360px;height:800px;border:0\"></iframe>\
                  <script>f.onload = () => document.body.append(f.contentDocument.title)</script>";
    std::fs::write(&frame, framed).unwrap();
    let dom = chromium(&[
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        "--dump-dom",
        &format!("file://{}", frame.display()),
    ]);
    let width = dom.split("width ").nth(1).unwrap_or_else(|| panic!("no answer in {dom}"));
    width.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn nothing_leaves_the_page_on_a_phone() {
    let project = migrated_city();
    let width = width_on_a_phone(&project.dir, &project.dir.join("report/index.html"));
    assert!(width <= 360, "the report is {width} pixels wide on a phone of 360");
}

#[test]
fn the_comparison_of_two_versions_opens_and_fits() {
    let project = migrated_city();
    let (old, page) = (project.dir.join("old"), project.dir.join("diff.html"));
    copy_folder(&project.dir.join("mappings"), &old);
    for (file, is, was) in [
        ("codes/beslutstyp.csv", "EBLF,livsforing_i_ovrigt", "EBLF,livsforing"),
        ("paraply/BESLUT.toml", "fn = \"ore\", on_bad = \"quarantine\"", "fn = \"ore\""),
    ] {
        let path = old.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(is), "{file} does not say {is}");
        std::fs::write(&path, text.replacen(is, was, 1)).unwrap();
    }
    let sides = [old.as_os_str(), project.dir.as_os_str()];
    let more = ["--effect", "--project"].map(OsStr::new);
    let places = [project.dir.as_os_str(), OsStr::new("--html"), page.as_os_str()];
    run([OsStr::new("diff")].iter().chain(&sides).chain(&more).chain(&places)).expect(&[2]);
    let dom = chromium(&["--dump-dom", &format!("file://{}", page.display())]);
    assert!(dom.contains("<h1") && dom.contains("lang=\"sv\"") && dom.contains("livsforing_i_ovrigt"));
    let width = width_on_a_phone(&project.dir, &page);
    assert!(width <= 360, "the comparison is {width} pixels wide on a phone of 360");
}

#[test]
fn the_handbook_fits_a_phone_and_prints() {
    let project = fresh_city();
    let out = project.dir.join("handbook");
    let verb = ["mapping", "docs", "--project"].map(OsStr::new);
    run(verb.into_iter().chain([project.dir.as_os_str(), OsStr::new("--out"), out.as_os_str()])).expect(&[0]);
    for page in [
        "index",
        "oppna-fragor",
        "kodlistor",
        "kodlista-beslutstyp",
        "modell",
        "modell-beslut",
        "system-paraply",
        "system-paraga",
    ] {
        let width = width_on_a_phone(&project.dir, &out.join(format!("{page}.html")));
        assert!(width <= 360, "{page} is {width} pixels wide on a phone of 360");
    }
    let pdf = project.dir.join("system.pdf");
    let page = out.join("system-warna.html");
    chromium(&[&format!("--print-to-pdf={}", pdf.display()), &format!("file://{}", page.display())]);
    let bytes = std::fs::read(pdf).unwrap();
    assert!(bytes.starts_with(b"%PDF") && bytes.len() > 10_000);
}

#[test]
fn the_description_of_a_source_fits_a_phone() {
    let project = fresh_city();
    let place = project.dir.to_str().unwrap();
    for verb in ["inspect", "profile"] {
        let page = project.dir.join(format!("{verb}.html"));
        let file = page.to_str().unwrap();
        run(["source", verb, "paraply", "--project", place, "--html", file]).expect(&[0]);
        let dom = chromium(&["--dump-dom", &format!("file://{}", page.display())]);
        assert!(dom.contains("<h1") && dom.contains("lang=\"sv\"") && dom.contains("PERSON"));
        let width = width_on_a_phone(&project.dir, &page);
        assert!(width <= 360, "the page of {verb} is {width} pixels wide on a phone of 360");
    }
}

#[test]
fn it_prints() {
    let project = migrated_city();
    let pdf = project.dir.join("report.pdf");
    let report = project.dir.join("report/index.html");
    chromium(&[&format!("--print-to-pdf={}", pdf.display()), &format!("file://{}", report.display())]);
    let bytes = std::fs::read(pdf).unwrap();
    assert!(bytes.starts_with(b"%PDF") && bytes.len() > 10_000);
}
