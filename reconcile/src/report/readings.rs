//! What was never delivered, what became of the sources since they were read before, and who may read what.

use super::number::count;
use super::{Labels, Language};
use crate::secrecy::SecrecyDifference;
use crate::snapshot::{Drift, TableChanges};
use crate::summary::{MissingDelivery, Summary, SystemReading};

/// The largest number of rows that is hidden where a nämnd and a protection are named.
const HIDDEN: u64 = 4;

/// Files that were expected.
pub(super) struct DeliveryView {
    pub(super) place: String,
    pub(super) files: String,
    pub(super) decision: &'static str,
}

/// How a system was read.
pub(super) struct ReadingView {
    pub(super) system: String,
    pub(super) how: String,
    pub(super) one_moment: bool,
    /// How often it was read again, as text.
    pub(super) retries: String,
}

/// A table or a column that is not what it was.
pub(super) struct DriftView {
    pub(super) place: String,
    pub(super) what: &'static str,
    pub(super) before: String,
    pub(super) after: String,
}

/// A table in which something is gone or altered.
pub(super) struct ChangesView {
    pub(super) place: String,
    pub(super) vanished: String,
    pub(super) explained: String,
    pub(super) unexplained: String,
    pub(super) altered: String,
    pub(super) state: &'static str,
}

/// A cell whose rows somebody else could read.
pub(super) struct SecrecyView {
    pub(super) entity: String,
    pub(super) namnd: String,
    pub(super) class: String,
    pub(super) protected: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) what: &'static str,
}

fn place(labels: &Labels, system: &str, table: &str) -> String {
    format!("{}/{table}", Labels::name(&labels.systems, system))
}

/// One line per table and decision; files about which somebody has decided come last.
pub(super) fn deliveries(summary: &Summary, labels: &Labels) -> Vec<DeliveryView> {
    let view = |one: &MissingDelivery, decided: bool| {
        let files = one.missing.iter().filter(|file| one.decided.contains(file) == decided);
        let files: Vec<&str> = files.map(String::as_str).collect();
        (!files.is_empty()).then(|| DeliveryView {
            place: place(labels, &one.system, &one.table),
            files: files.join(", "),
            decision: if decided { "Beslutat att gå vidare utan" } else { "Ej bevisat" },
        })
    };
    let both = [false, true]
        .into_iter()
        .flat_map(|decided| summary.deliveries.iter().filter_map(move |one| view(one, decided)));
    both.collect()
}

/// The mechanisms by which a source was read at one moment, in Swedish.
const MECHANISMS: [(&str, &str); 7] = [
    ("content of files", "filernas innehåll"),
    ("read transaction", "en lästransaktion"),
    ("exported snapshot", "en delad ögonblicksbild"),
    ("consistent snapshot", "en ögonblicksbild"),
    ("database snapshot", "en databasögonblicksbild"),
    ("snapshot transaction", "en ögonblickstransaktion"),
    ("repeatable read transaction", "en transaktion med upprepbar läsning"),
];

/// Why a source was not read at one moment: how the reason begins, and how it begins in Swedish. What follows, names of
/// tables and systems, stays.
const REASONS: [(&str, &str); 5] = [
    (
        "the engine of these tables knows no transactions",
        "lagringsmotorn för dessa tabeller saknar transaktioner",
    ),
    (
        "the database does not allow SNAPSHOT isolation, and the settings name no database snapshot",
        "databasen tillåter inte SNAPSHOT-isolering, och inställningarna nämner ingen databasögonblicksbild",
    ),
    ("the database does not allow snapshot isolation", "databasen tillåter inte SNAPSHOT-isolering"),
    ("the database has tables without transactions", "databasen har tabeller utan transaktioner"),
    ("the ODBC connector knows no snapshot of", "ODBC-kopplingen känner inte till någon ögonblicksbild i"),
];

fn reason(english: &str) -> String {
    let known = REASONS.iter().find_map(|(begins, swedish)| Some((english.strip_prefix(begins)?, swedish)));
    known.map_or_else(|| english.to_owned(), |(rest, swedish)| format!("{swedish}{rest}"))
}

pub(super) fn readings(summary: &Summary, labels: &Labels) -> Vec<ReadingView> {
    let view = |one: &SystemReading| {
        let mechanism = |how: &String| {
            let known = MECHANISMS.iter().find(|(name, _)| name == how);
            known.map_or_else(|| how.clone(), |(_, swedish)| (*swedish).to_owned())
        };
        ReadingView {
            system: Labels::name(&labels.systems, &one.system).to_owned(),
            how: one
                .how
                .as_ref()
                .map_or_else(|| one.why_not.as_deref().map_or_else(String::new, reason), mechanism),
            one_moment: one.how.is_some(),
            retries: count(one.retries),
        }
    };
    summary.readings.iter().map(view).collect()
}

pub(super) fn drift(summary: &Summary, labels: &Labels) -> Vec<DriftView> {
    let view = |Drift { system, table, column, kind, before, after }: &Drift| {
        let place = place(labels, system, table);
        DriftView {
            place: if column.is_empty() { place } else { format!("{place}, {column}") },
            what: kind.label(),
            before: before.clone(),
            after: after.clone(),
        }
    };
    summary.snapshot.drift.iter().map(view).collect()
}

pub(super) fn changes(summary: &Summary, labels: &Labels) -> Vec<ChangesView> {
    let view = |one: &TableChanges| ChangesView {
        place: place(labels, &one.system, &one.table),
        vanished: count(one.vanished),
        explained: count(one.explained),
        unexplained: count(one.unexplained()),
        altered: count(one.altered),
        state: match (one.accepted, one.compared, one.unexplained()) {
            (true, ..) => "Godtaget",
            (false, false, _) => "Ej jämfört",
            (false, true, 0) => "Förklarat av källan",
            (false, true, _) => "Ej bevisat",
        },
    };
    summary.snapshot.tables.iter().map(view).collect()
}

/// What the comparison with the extraction before is about, in a sentence.
pub(super) fn previous(summary: &Summary, language: Language) -> String {
    match (language, &summary.snapshot.previous) {
        (Language::Sv, None) => "Det finns ingen tidigare läsning att jämföra med.".to_owned(),
        (Language::Sv, Some(run)) => format!("Jämfört med läsningen i körning {run}."),
        (Language::En, None) => "There is no earlier reading to compare with.".to_owned(),
        (Language::En, Some(run)) => format!("Compared with the reading of run {run}."),
    }
}

pub(super) fn secrecy(summary: &Summary, labels: &Labels) -> Vec<SecrecyView> {
    let view = |one: &SecrecyDifference| {
        let SecrecyDifference { entity, namnd, sekretess_klass, skyddad, expected, found } = one;
        let shown = |rows: u64| if (1..=HIDDEN).contains(&rows) { "<5".to_owned() } else { count(rows) };
        SecrecyView {
            entity: Labels::name(&labels.entities, entity).to_owned(),
            namnd: if namnd.is_empty() { "Ingen".to_owned() } else { namnd_name(labels, namnd) },
            class: sekretess_klass.clone(),
            protected: if *skyddad { "Ja" } else { "Nej" },
            expected: shown(*expected),
            found: shown(*found),
            what: match found.cmp(expected) {
                std::cmp::Ordering::Less => "Färre i målet",
                std::cmp::Ordering::Equal => "Andra rader i målet",
                std::cmp::Ordering::Greater => "Fler i målet",
            },
        }
    };
    summary.secrecy.unequal.iter().map(view).collect()
}

fn namnd_name(labels: &Labels, code: &str) -> String {
    labels.namnder.get(code).map_or_else(|| code.to_owned(), |name| format!("{code} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conservation::Ledger;
    use crate::snapshot::DriftKind;
    use crate::summary::Evidence;

    fn summary() -> Summary {
        Summary::new("r", "m", &Ledger::new(), &Evidence::default()).unwrap()
    }

    #[test]
    fn files_that_nobody_decided_about_come_first() {
        let mut summary = summary();
        summary.deliveries = vec![MissingDelivery {
            system: "paraga".into(),
            table: "besok".into(),
            missing: vec!["a.csv".into(), "b.csv".into()],
            decided: vec!["a.csv".into()],
        }];
        let views = deliveries(&summary, &Labels::default());
        let lines: Vec<_> = views.iter().map(|view| (view.files.as_str(), view.decision)).collect();
        assert_eq!(lines, [("b.csv", "Ej bevisat"), ("a.csv", "Beslutat att gå vidare utan")]);
    }

    #[test]
    fn how_a_source_was_read_is_said_in_swedish() {
        let mut summary = summary();
        let reading = |how: Option<&str>, why_not: Option<&str>| SystemReading {
            system: "paraply".into(),
            how: how.map(str::to_owned),
            why_not: why_not.map(str::to_owned),
            ..SystemReading::default()
        };
        summary.readings = vec![
            reading(Some("repeatable read transaction"), None),
            reading(None, Some("the engine of these tables knows no transactions: LOGG, KODTAB")),
            reading(None, Some("the ODBC connector knows no snapshot of DB2")),
            reading(None, Some("something else")),
        ];
        let views = readings(&summary, &Labels::default());
        let said: Vec<_> = views.iter().map(|view| (view.how.as_str(), view.one_moment)).collect();
        let expected = [
            ("en transaktion med upprepbar läsning", true),
            ("lagringsmotorn för dessa tabeller saknar transaktioner: LOGG, KODTAB", false),
            ("ODBC-kopplingen känner inte till någon ögonblicksbild i DB2", false),
            ("something else", false),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn how_a_system_was_read_is_told_with_the_times_that_it_took() {
        let mut summary = summary();
        let reading = |how: Option<&str>, why_not: Option<&str>, retries| SystemReading {
            system: "paraply".into(),
            how: how.map(str::to_owned),
            at: String::new(),
            why_not: why_not.map(str::to_owned),
            retries,
        };
        summary.readings =
            vec![reading(Some("exported snapshot"), None, 2), reading(None, Some("because"), 0)];
        let views = readings(&summary, &Labels::default());
        let told: Vec<_> =
            views.iter().map(|one| (one.one_moment, one.how.as_str(), one.retries.as_str())).collect();
        assert_eq!(told, [(true, "en delad ögonblicksbild", "2"), (false, "because", "0")]);
    }

    #[test]
    fn a_reading_noted_before_tries_were_counted_is_read() {
        let noted = r#"{"system":"paraply","how":null,"at":"","why_not":"x"}"#;
        assert_eq!(serde_json::from_str::<SystemReading>(noted).unwrap().retries, 0);
    }

    #[test]
    fn what_is_gone_is_told_with_what_the_source_says() {
        let mut summary = summary();
        let table = |vanished, explained, accepted| TableChanges {
            system: "schemos".into(),
            table: "planned_visit".into(),
            compared: true,
            vanished,
            explained,
            altered: 0,
            accepted,
        };
        summary.snapshot.previous = Some("förra".into());
        summary.snapshot.tables = vec![table(3, 3, false), table(3, 1, false), table(3, 1, true)];
        summary.snapshot.drift = vec![Drift {
            system: "schemos".into(),
            table: "unit".into(),
            column: "sdn".into(),
            kind: DriftKind::Retyped,
            before: "char(2)".into(),
            after: String::new(),
        }];
        let states: Vec<_> = changes(&summary, &Labels::default()).iter().map(|view| view.state).collect();
        assert_eq!(states, ["Förklarat av källan", "Ej bevisat", "Godtaget"]);
        assert_eq!(drift(&summary, &Labels::default())[0].place, "schemos/unit, sdn");
        assert_eq!(previous(&summary, Language::Sv), "Jämfört med läsningen i körning förra.");
    }

    #[test]
    fn few_protected_rows_of_a_namnd_are_not_counted_in_the_open() {
        let mut summary = summary();
        let cell = |expected, found| SecrecyDifference {
            entity: "personakt".into(),
            namnd: "714".into(),
            sekretess_klass: "osl_26_1".into(),
            skyddad: true,
            expected,
            found,
        };
        summary.secrecy.unequal = vec![cell(7, 3), cell(2, 2)];
        let views = secrecy(&summary, &Labels::default());
        assert_eq!((views[0].expected.as_str(), views[0].found.as_str()), ("7", "<5"));
        assert_eq!((views[0].what, views[1].what), ("Färre i målet", "Andra rader i målet"));
    }
}
