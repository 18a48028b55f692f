//! The files of ParaGå in named cases: one utförare of their own with two months of visits.
//!
//! Numbers of visits and corrections are those of the other cases, `9cccnn`, far above those of the bulk.

use super::era::{
    Era, FRANVARO_HEADER, INSATS_HEADER, KONTROLL_HEADER, KORR_HEADER, KUND_HEADER, PERSONAL_HEADER,
};
use super::file::ExportFile;
use super::{Paraga, SYSTEM};
use crate::calendar::{Day, Month, Stamp};
use crate::cases::{EVERYWHERE_BIRTH, EVERYWHERE_KUND, EVERYWHERE_NAME, FIRST_KEY, UTFORARE};
use crate::error::Error;
use crate::numbers::{never_assigned, reserve_vgr};
use crate::truth::Action;

/// The kunder of the cases besides the one of H1.
const KUNDER: [(&str, Day, &str); 2] = [
    ("K910002", Day::of(1931, 2, 25), "Berta Falkenström"),
    ("K910003", Day::of(1931, 2, 26), "Cilla Falkenström"),
];
const STAFF: [&str; 9] =
    ["P91001", "P91002", "P91003", "P91004", "P91005", "P91006", "P91007", "P91008", "P91009"];
/// In spring the clocks went forward, in autumn back.
const SPRING: Month = Month::of(2018, 3);
const AUTUMN: Month = Month::of(2019, 10);

/// A visit of a case.
struct Visit {
    /// The case, and the part that the visit plays in it.
    part: (&'static str, &'static str),
    number: i64,
    kund: &'static str,
    staff: (&'static str, &'static str),
    start: Stamp,
    end: Stamp,
    /// Minutes by the visit's one task.
    minutes: i64,
    planned: bool,
    /// Whether the end stands as 24:00.
    midnight: bool,
    marks: &'static [(&'static str, Action)],
}

/// A planned visit of one employee with as many minutes by its task as by the clock on the wall.
fn visit(
    part: (&'static str, &'static str),
    number: i64,
    staff: &'static str,
    from: (Day, i32),
    minutes: i32,
) -> Visit {
    let start = Stamp::at(from.0, 0, 0).plus_minutes(from.1);
    Visit {
        part,
        number: FIRST_KEY + number,
        kund: "K910002",
        staff: (staff, ""),
        start,
        end: start.plus_minutes(minutes),
        minutes: minutes.into(),
        planned: true,
        midnight: false,
        marks: &[],
    }
}

/// H21: a night in which an hour is left out.
fn spring() -> Vec<Visit> {
    vec![visit(("h21", "var"), 2_101, "P91001", (Day::of(2018, 3, 24), 1_410), 420)]
}

/// H1, H19, H20, H21 and worked example 4.
fn autumn() -> Vec<Visit> {
    const FLAG: Action = Action::Flag;
    let day = Day::of(2019, 10, 8);
    let (saturday, sunday) = (Day::of(2019, 10, 26), Day::of(2019, 10, 27));
    vec![
        Visit { kund: EVERYWHERE_KUND, ..visit(("h1", "besok"), 101, "P91001", (day, 420), 30) },
        Visit { staff: ("P91001", "P91002"), ..visit(("h19", "dubbel"), 1_901, "P91001", (day, 480), 40) },
        Visit { marks: &[("D60", FLAG)], ..visit(("h19", "forst"), 1_902, "P91003", (day, 540), 30) },
        Visit {
            planned: false,
            marks: &[("D61", FLAG)],
            ..visit(("h19", "igen"), 1_903, "P91003", (day, 541), 29)
        },
        Visit { marks: &[("D59", FLAG)], ..visit(("h19", "har"), 1_904, "P91004", (day, 600), 30) },
        Visit { kund: "K910003", ..visit(("h19", "dar"), 1_905, "P91004", (day, 615), 30) },
        visit(("h20", "besok"), 2_001, "P91005", (day, 660), 30),
        visit(("h21", "host"), 2_102, "P91006", (saturday, 1_410), 420),
        Visit {
            midnight: true,
            marks: &[("D64", Action::Fix)],
            ..visit(("h21", "midnatt"), 2_103, "P91007", (day, 1_380), 60)
        },
        Visit {
            marks: &[("D59", FLAG), ("D64", FLAG)],
            ..visit(("exempel4", "fore"), 10_401, "P91008", (sunday, 90), 80)
        },
        Visit { kund: "K910003", ..visit(("exempel4", "avgjort"), 10_402, "P91008", (sunday, 150), 60) },
        Visit {
            minutes: 55,
            marks: &[("D64", FLAG)],
            ..visit(("exempel4", "oavgjort"), 10_403, "P91009", (sunday, 150), 60)
        },
    ]
}

impl Paraga<'_> {
    /// Writes the files of the cases, and their plans in SchemOS.
    pub(super) fn write_cases(&mut self) -> Result<(), Error> {
        let customer = self.schemos.write_case_unit()?;
        self.ledger.case("h1", "schemos", customer);
        self.ledger.case("h1", "paraga", format!("{UTFORARE}|{EVERYWHERE_KUND}"));
        for (month, visits) in [(SPRING, spring()), (AUTUMN, autumn())] {
            self.write_case_registers(month)?;
            self.write_case_visits(month, &visits)?;
        }
        self.write_case_correction()
    }

    fn case_file(&self, kind: &str, period: &str, header: &str) -> Result<ExportFile, Error> {
        ExportFile::create(self.directory, format!("{kind}_{period}_{UTFORARE}.csv"), Era::Two, header)
    }

    fn close_case_file(&mut self, kind: &str, file: ExportFile) -> Result<(), Error> {
        self.account(kind, &file.name, file.rows, file.data_lines());
        file.finish()
    }

    fn write_case_registers(&mut self, month: Month) -> Result<(), Error> {
        let mut file = self.case_file("kund", &month.compact(), KUND_HEADER)?;
        self.ledger.mark(("D05", SYSTEM, "kund", Action::Norm), file.next_key());
        let (first, last) = EVERYWHERE_NAME;
        let reserve = reserve_vgr(EVERYWHERE_BIRTH, 91);
        kund(&mut file, EVERYWHERE_KUND, &reserve, &format!("{first} {last}"))?;
        for (number, birth, name) in KUNDER {
            kund(&mut file, number, &never_assigned(birth), name)?;
        }
        self.close_case_file("kund", file)?;
        let mut file = self.case_file("personal", &month.compact(), PERSONAL_HEADER)?;
        for number in STAFF {
            [number, "", "Stina Falkenström", UTFORARE, "2017-01-01", ""]
                .iter()
                .for_each(|text| file.text(text));
            file.end_row()?;
        }
        self.close_case_file("personal", file)?;
        let file = self.case_file("franvaro", &month.compact(), FRANVARO_HEADER)?;
        self.close_case_file("franvaro", file)
    }

    fn write_case_visits(&mut self, month: Month, visits: &[Visit]) -> Result<(), Error> {
        let period = month.compact();
        let mut besok = self.case_file("besok", &period, Era::Two.besok_header())?;
        let mut insats = self.case_file("insats", &period, INSATS_HEADER)?;
        let mut sum = 0;
        for visit in visits {
            for (id, action) in visit.marks {
                self.ledger.mark((id, SYSTEM, "besok", *action), besok.next_key());
            }
            let (case, part) = visit.part;
            self.ledger.case(case, part, format!("v2|{UTFORARE}|{}", visit.number));
            besok_row(&mut besok, visit)?;
            insats_row(&mut insats, visit)?;
            sum += visit.minutes;
            if visit.planned {
                let double = !visit.staff.1.is_empty();
                self.schemos.write_case_plan(visit.number, (visit.start, visit.end), double)?;
            }
        }
        let mut control = self.case_file("kontroll", &period, KONTROLL_HEADER)?;
        control.text(&period);
        control.text(UTFORARE);
        control.number(i64::try_from(visits.len()).unwrap_or(i64::MAX));
        control.number(sum);
        control.end_row()?;
        for (kind, file) in [("besok", besok), ("insats", insats), ("kontroll", control)] {
            self.close_case_file(kind, file)?;
        }
        Ok(())
    }

    /// H20: the end of a visit of October is corrected in a file of November.
    fn write_case_correction(&mut self) -> Result<(), Error> {
        let mut file = self.case_file("korr", "20191105", KORR_HEADER)?;
        let end = Stamp::at(Day::of(2019, 10, 8), 11, 30);
        file.number(FIRST_KEY + 2_001);
        file.number(FIRST_KEY + 2_001);
        file.text("FaktSlut");
        file.time(Some(end));
        file.time(Some(end.plus_minutes(15)));
        file.text("glömt stämpla");
        file.text("SAMORD");
        file.time(Some(Stamp::at(Day::of(2019, 11, 4), 9, 0)));
        file.end_row()?;
        self.ledger.case("h20", "korrigering", (FIRST_KEY + 2_001).to_string());
        self.ledger.case("h20", "fil", format!("{SYSTEM}/{}", file.name));
        self.close_case_file("korr", file)
    }
}

fn kund(file: &mut ExportFile, number: &str, personnr: &str, name: &str) -> Result<(), Error> {
    let fields = [
        number,
        personnr,
        name,
        "Provgatan 91",
        "12345",
        "STOCKHOLM",
        "0180",
        UTFORARE,
        "N",
        "2018-01-01",
        "",
    ];
    fields.iter().for_each(|text| file.text(text));
    file.end_row()
}

fn besok_row(file: &mut ExportFile, visit: &Visit) -> Result<(), Error> {
    file.number(visit.number);
    for text in [visit.kund, "", UTFORARE, visit.staff.0, visit.staff.1] {
        file.text(text);
    }
    file.time(Some(visit.start));
    file.time(Some(visit.end));
    file.time(Some(visit.start));
    if visit.midnight {
        file.midnight(visit.end);
    } else {
        file.time(Some(visit.end));
    }
    let double = if visit.staff.1.is_empty() { "N" } else { "J" };
    for text in ["N", "N", "T910001", double, "UTF", "", "J", "", ""] {
        file.text(text);
    }
    file.end_row()
}

fn insats_row(file: &mut ExportFile, visit: &Visit) -> Result<(), Error> {
    file.number(visit.number);
    file.number(1);
    file.text("HTOM");
    file.number(i64::from(visit.start.minutes_to(visit.end)));
    file.number(visit.minutes);
    file.text("J");
    file.text("");
    file.end_row()
}
